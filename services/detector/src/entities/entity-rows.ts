/**
 * Samples of an entity's series into rows at equal steps, as they come: the last value of each channel within a step.
 *
 * A row is closed when a sample arrives that is two steps on, so that queries which are polled one after the other still meet in it. What comes
 * later than that is left. Steps without any sample make rows without values; after a gap of more than `longestGap` of them nothing of what
 * was before says anything about what follows, and `onGap` is called instead.
 */
export interface RowSink {
  /** The row is valid during the call. */
  onRow(atMs: number, row: Float64Array): void
  onGap(): void
}

const longestGap = 100
/** What stands before the rows in a snapshot. */
const head = 2

export class EntityRows {
  readonly #channels: number
  readonly #stepMs: number
  /** Number of the step of `#current`; NaN before the first sample. */
  #step = Number.NaN
  /** Number of the first step since there was nothing. */
  #firstStep = Number.NaN
  #current: Float64Array
  #previous: Float64Array

  constructor(channels: number, stepMs: number) {
    this.#channels = channels
    this.#stepMs = stepMs
    this.#current = new Float64Array(channels).fill(Number.NaN)
    this.#previous = new Float64Array(channels).fill(Number.NaN)
  }

  take(channel: number, timestampMs: number, value: number, sink: RowSink): void {
    const step = Math.floor(timestampMs / this.#stepMs)
    if (Number.isNaN(this.#step)) this.#step = this.#firstStep = step
    else if (step > this.#step + longestGap) this.#restart(step, sink)
    while (step > this.#step) this.#advance(sink)
    if (step === this.#step) this.#current[channel] = value
    else if (step === this.#step - 1) this.#previous[channel] = value
  }

  snapshot(): Float64Array {
    return Float64Array.of(this.#step, this.#firstStep, ...this.#previous, ...this.#current)
  }

  /** Numbers that a snapshot takes. */
  get snapshotLength(): number {
    return head + 2 * this.#channels
  }

  restore(snapshot: Float64Array): void {
    this.#step = snapshot[0]!
    this.#firstStep = snapshot[1]!
    this.#previous = snapshot.slice(head, head + this.#channels)
    this.#current = snapshot.slice(head + this.#channels, this.snapshotLength)
  }

  #advance(sink: RowSink): void {
    if (this.#step > this.#firstStep) sink.onRow((this.#step - 1) * this.#stepMs, this.#previous)
    const free = this.#previous
    this.#previous = this.#current
    this.#current = free.fill(Number.NaN)
    this.#step++
  }

  #restart(step: number, sink: RowSink): void {
    this.#previous.fill(Number.NaN)
    this.#current.fill(Number.NaN)
    this.#step = this.#firstStep = step
    sink.onGap()
  }
}
