/**
 * Whether the score of an entity has been as high at this time of day before: a season of the score is no drift.
 *
 * A model is often a little worse by day than by night, so the mean of its scores rises every morning, and a detector of change is right to say so. Kept are the mean scores of the
 * last eight days by the hour. A rise is a season when most of it was there within an hour of the same time on an earlier day; on two of them, as soon as three days are known,
 * because one day may have had an incident. Blind to seasons that are not of the day: what comes on Sundays only is drift the first time and known after the second.
 */

/** Hours kept: seven days before the day at hand. */
const ringHours = 8 * 24
const hourMs = 3_600_000
/** Of a rise that has to be known from before. */
const knownShare = 0.75
/** Scores of an hour that make it count. */
const leastScores = 10

export class ScoreSeason {
  /** Mean and number of scores of each hour, in turn. */
  readonly #means = new Float64Array(ringHours)
  readonly #counts = new Float64Array(ringHours)
  /** Hours since the epoch; the newest that is in the ring. */
  #newest = -1

  observe(atMs: number, score: number): void {
    const hour = Math.floor(atMs / hourMs)
    if (hour < this.#newest - ringHours + 1) return
    for (let one = Math.max(this.#newest + 1, hour - ringHours + 1); one <= hour; one++) this.#clear(one)
    this.#newest = Math.max(this.#newest, hour)
    const cell = hour % ringHours
    this.#counts[cell]! += 1
    this.#means[cell]! += (score - this.#means[cell]!) / this.#counts[cell]!
  }

  /** As if what was observed since then, by the hour, had not been. */
  forgetSince(atMs: number): void {
    for (let hour = Math.max(Math.floor(atMs / hourMs), this.#newest - ringHours + 1); hour <= this.#newest; hour++)
      this.#clear(hour)
  }

  /** Whether a rise of the mean score that was noticed then is what this time of day brings. */
  knows({ before, after }: { readonly before: number; readonly after: number }, atMs: number): boolean {
    const needed = before + knownShare * (after - before)
    const hour = Math.floor(atMs / hourMs)
    let known = 0
    let asHigh = 0
    for (let day = 1; day < ringHours / 24; day++) {
      const highest = Math.max(...[-1, 0, 1].map((shift) => this.#meanOf(hour - 24 * day + shift)))
      if (highest === Number.NEGATIVE_INFINITY) continue
      known++
      if (highest >= needed) asHigh++
    }
    return asHigh >= (known >= 3 ? 2 : 1)
  }

  /** Empty when nothing was observed. */
  snapshot(): Float64Array {
    return this.#newest === -1 ? new Float64Array() : Float64Array.of(this.#newest, ...this.#means, ...this.#counts)
  }

  /** Throws a RangeError when it is no snapshot. */
  restore(snapshot: Float64Array): void {
    if (snapshot.length === 0) return
    if (snapshot.length !== 1 + 2 * ringHours) throw new RangeError(`the season of a score has ${snapshot.length} numbers`)
    this.#newest = snapshot[0]!
    this.#means.set(snapshot.subarray(1, 1 + ringHours))
    this.#counts.set(snapshot.subarray(1 + ringHours))
  }

  #clear(hour: number): void {
    this.#means[hour % ringHours] = 0
    this.#counts[hour % ringHours] = 0
  }

  /** Minus infinity where too little is known. */
  #meanOf(hour: number): number {
    const isKept = hour > this.#newest - ringHours && hour <= this.#newest && hour >= 0
    const cell = ((hour % ringHours) + ringHours) % ringHours
    return isKept && this.#counts[cell]! >= leastScores ? this.#means[cell]! : Number.NEGATIVE_INFINITY
  }
}
