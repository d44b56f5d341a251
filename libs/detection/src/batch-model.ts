/** What models that are fitted to a table of history have in common. */

/** Rows of `channels` numbers, row after row. What is not finite is missing. */
export interface Table {
  readonly channels: number
  readonly values: Float64Array
}

export interface BatchModel {
  readonly channels: number
  /**
   * Takes the next row in, in the order of time: at least 0, above 1 anomalous. Writes what each channel has to do with it to
   * `shares`: they sum to 1, or are all 0. A value that is not finite counts as the usual one of its channel.
   */
  score(row: Float64Array, shares: Float64Array): number
}

/** Throws a RangeError when there is not a whole row. */
export function rowsOf({ channels, values }: Table): number {
  const rows = values.length / channels
  if (!Number.isInteger(rows) || rows < 1) throw new RangeError(`${values.length} values are no rows of ${channels}`)
  return rows
}

/** A number that can be reckoned with: one that is not finite is replaced, and none is so large that its square would not be. */
export function known(value: number, usual: number): number {
  return Number.isFinite(value) ? Math.min(largestValue, Math.max(-largestValue, value)) : usual
}

/** Fits a 32-bit float. */
const largestValue = 1e30

/** The usual value of each channel, for where one is missing: the median of the finite ones, 0 when there are none. */
export function mediansOf(table: Table): Float64Array {
  const { channels, values } = table
  const rows = rowsOf(table)
  return Float64Array.from({ length: channels }, (_, channel) => {
    const finite = Float64Array.from({ length: rows }, (_, row) => values[row * channels + channel]!)
      .filter(Number.isFinite)
      .sort()
    return known(finite[finite.length >> 1] ?? 0, 0)
  })
}

/** The value that at most `share` of them exceed. `values` is not changed. Throws a RangeError when share is not within (0, 0.5]. */
export function upperQuantile(values: Float64Array, share: number): number {
  if (!(share > 0 && share <= 0.5)) throw new RangeError(`contamination ${share}, expected above 0 and at most 0.5`)
  const sorted = values.toSorted()
  return sorted[Math.ceil((1 - share) * sorted.length) - 1]!
}

/** Makes them sum to 1; leaves them alone when their sum is 0. */
export function toShares(parts: Float64Array): void {
  const sum = parts.reduce((total, part) => total + part, 0)
  if (sum > 0) for (let i = 0; i < parts.length; i++) parts[i]! /= sum
}
