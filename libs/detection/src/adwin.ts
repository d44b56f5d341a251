/**
 * ADWIN: a window over a stream that shrinks when its older and newer part differ in mean more than chance allows.
 *
 * The window is kept as an exponential histogram: rows of at most `bucketsPerRow` buckets, a bucket of row r summing 2^r
 * values, so n values take about log n buckets. Every `clock` values each boundary between buckets is tried as a cut; while a
 * cut splits the window into parts whose means differ beyond the bound, the oldest bucket is dropped and a change is told.
 *
 * The chance of a false alarm is at most `delta` per try for bounded, independent values. Correlated values (a daily season
 * within the window) are change to it: give it scores or residuals, not raw metrics.
 *
 * Source: Bifet and Gavaldà, "Learning from Time-Changing Data with Adaptive Windowing", SDM 2007; the bound with the window's
 * variance, grace period and smallest part as in River. River forgets the whole window at a detection; here its newer part stays,
 * as in the paper.
 */
export interface AdwinOptions {
  /** Bound of the false-alarm probability, 0 to 1. */
  readonly delta: number
}

export const balancedAdwin: AdwinOptions = { delta: 0.002 }

export class Adwin {
  readonly #delta: number
  /** Rows of buckets, newest values in row 0; within a row the oldest bucket first. */
  #sums = new Float64Array(firstRows * slotsPerRow)
  #variances = new Float64Array(firstRows * slotsPerRow)
  #bucketsInRow = new Uint8Array(firstRows)
  #rows = 1
  #width = 0
  #total = 0
  #variance = 0
  #ticks = 0

  constructor({ delta }: AdwinOptions) {
    this.#delta = delta
  }

  /** Everything it knows, as numbers; `restore` continues bit for bit. About 16 numbers a doubling of the window. */
  snapshot(): Float64Array {
    const counts = [...this.#bucketsInRow.subarray(0, this.#rows)]
    const used = counts.flatMap((count, row) => Array.from({ length: count }, (_, bucket) => row * slotsPerRow + bucket))
    const buckets = used.flatMap((at) => [this.#sums[at]!, this.#variances[at]!])
    return Float64Array.from([this.#rows, this.#width, this.#total, this.#variance, this.#ticks, ...counts, ...buckets])
  }

  /** Throws a RangeError when the numbers are not those of a snapshot. */
  static restore(options: AdwinOptions, numbers: Float64Array): Adwin {
    const adwin = new Adwin(options)
    const [rows = 0, width = 0, total = 0, variance = 0, ticks = 0] = numbers
    const counts = numbers.subarray(scalars, scalars + rows)
    const buckets = counts.reduce((sum, count) => sum + count, 0)
    if (
      !(rows >= 1 && rows <= mostRows) ||
      numbers.length !== scalars + rows + 2 * buckets ||
      counts.some((count) => count > bucketsPerRow)
    ) {
      throw new RangeError(`${numbers.length} numbers are no snapshot`)
    }
    while (adwin.#rows < rows) adwin.#addRow()
    adwin.#width = width
    adwin.#total = total
    adwin.#variance = variance
    adwin.#ticks = ticks
    let from = scalars + rows
    counts.forEach((count, row) => {
      adwin.#bucketsInRow[row] = count
      for (let bucket = 0; bucket < count; bucket++) {
        adwin.#sums[row * slotsPerRow + bucket] = numbers[from++]!
        adwin.#variances[row * slotsPerRow + bucket] = numbers[from++]!
      }
    })
    return adwin
  }

  /** Number of values in the window. */
  get width(): number {
    return this.#width
  }

  /** Mean of the window; 0 when it is empty. */
  get mean(): number {
    return this.#width === 0 ? 0 : this.#total / this.#width
  }

  /** Takes a finite value in; true when the window has just been cut because of a change. */
  update(value: number): boolean {
    this.#insert(value)
    this.#ticks++
    if (this.#ticks % clock !== 0 || this.#width <= gracePeriod) return false
    let changed = false
    while (this.#hasCut()) {
      this.#dropOldest()
      changed = true
    }
    return changed
  }

  #insert(value: number): void {
    this.#sums[this.#bucketsInRow[0]!] = value
    this.#variances[this.#bucketsInRow[0]!] = 0
    this.#bucketsInRow[0]!++
    this.#width++
    if (this.#width > 1) {
      const before = this.#width - 1
      this.#variance += (before * (value - this.#total / before) ** 2) / this.#width
    }
    this.#total += value
    for (let row = 0; row < this.#rows && this.#bucketsInRow[row]! > bucketsPerRow; row++) this.#mergeOldestPair(row)
  }

  /** Two buckets of a full row become one of the next. */
  #mergeOldestPair(row: number): void {
    if (row + 1 === this.#rows) this.#addRow()
    const at = row * slotsPerRow
    const to = (row + 1) * slotsPerRow + this.#bucketsInRow[row + 1]!
    const size = 2 ** row
    const first = this.#sums[at]!
    const second = this.#sums[at + 1]!
    this.#sums[to] = first + second
    this.#variances[to] =
      this.#variances[at]! + this.#variances[at + 1]! + (size * size * ((first - second) / size) ** 2) / (2 * size)
    this.#bucketsInRow[row + 1]!++
    this.#removeOldest(row, 2)
  }

  #addRow(): void {
    this.#rows++
    if (this.#rows <= this.#bucketsInRow.length) return
    const rows = this.#bucketsInRow.length * 2
    this.#sums = grown(this.#sums, rows * slotsPerRow)
    this.#variances = grown(this.#variances, rows * slotsPerRow)
    const counts = new Uint8Array(rows)
    counts.set(this.#bucketsInRow)
    this.#bucketsInRow = counts
  }

  #removeOldest(row: number, count: number): void {
    const sums = this.#sums
    const variances = this.#variances
    // A loop, because calling copyWithin for five numbers costs more than the rest of an update.
    for (let at = row * slotsPerRow, end = at + this.#bucketsInRow[row]! - count; at < end; at++) {
      sums[at] = sums[at + count]!
      variances[at] = variances[at + count]!
    }
    this.#bucketsInRow[row]! -= count
  }

  #dropOldest(): void {
    const row = this.#rows - 1
    const size = 2 ** row
    const sum = this.#sums[row * slotsPerRow]!
    this.#width -= size
    this.#total -= sum
    const rest = this.#total / this.#width
    this.#variance -= this.#variances[row * slotsPerRow]! + (size * this.#width * (sum / size - rest) ** 2) / (size + this.#width)
    this.#removeOldest(row, 1)
    if (this.#bucketsInRow[row] === 0 && row > 0) this.#rows--
  }

  /** Whether any boundary between two buckets splits the window into parts that differ. */
  #hasCut(): boolean {
    let olderCount = 0
    let olderSum = 0
    const threshold = Math.log((2 * Math.log(this.#width)) / this.#delta)
    const spread = 2 * (this.#variance / this.#width) * threshold
    for (let row = this.#rows - 1; row >= 0; row--) {
      for (let bucket = 0, at = row * slotsPerRow; bucket < this.#bucketsInRow[row]!; bucket++, at++) {
        olderCount += 2 ** row
        olderSum += this.#sums[at]!
        const newerCount = this.#width - olderCount
        if (newerCount < leastPart) return false
        if (olderCount < leastPart) continue
        if (isFarFromCut(olderCount, olderSum, newerCount, this.#total - olderSum, spread)) continue
        const inverse = 1 / (olderCount - leastPart + 1) + 1 / (newerCount - leastPart + 1)
        const bound = Math.sqrt(spread * inverse) + (2 / 3) * threshold * inverse
        if (Math.abs(olderSum / olderCount - (this.#total - olderSum) / newerCount) > bound) return true
      }
    }
    return false
  }
}

/**
 * Whether the first part of the bound alone rules a cut out, told by multiplications only: most boundaries are done with after it.
 * What rounding leaves in doubt, or overflows, is not far.
 */
function isFarFromCut(olderCount: number, olderSum: number, newerCount: number, newerSum: number, spread: number): boolean {
  const older = olderCount - leastPart + 1
  const newer = newerCount - leastPart + 1
  const difference = olderSum * newerCount - newerSum * olderCount
  const counts = olderCount * newerCount
  return difference * difference * older * newer < spread * (older + newer) * counts * counts * (1 - 1e-9)
}

/** Numbers of a snapshot before those of its rows. */
const scalars = 5
/** Windows of 2^53 values do not occur. */
const mostRows = 53
/** Values between two searches for a cut. */
const clock = 32
/** Below this width there is no search. */
const gracePeriod = 10
/** Smallest part of a cut. */
const leastPart = 5
const bucketsPerRow = 5
const slotsPerRow = bucketsPerRow + 1
const firstRows = 8

function grown(column: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(length)
  larger.set(column)
  return larger
}
