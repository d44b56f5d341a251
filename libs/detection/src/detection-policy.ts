/** What counts as worth telling in the series of a query, whatever is unusual in them. */

export interface DetectionPolicy {
  readonly direction: 'both' | 'up' | 'down'
  /** What is smaller is never news, in the unit of the metric. */
  readonly minDeviation: number
  /** The same, as a share of the expected value; 0 leaves it at 5 %. */
  readonly minRelativeDeviation: number
}

export const defaultPolicy: DetectionPolicy = { direction: 'both', minDeviation: 0, minRelativeDeviation: 0 }

/** Half of the narrowest band there is, in the unit of the metric. */
export const leastHalfWidth = 1e-9
/** In its first day nobody knows yet what a series that has stood still will do. */
const firstDayRelativeDeviation = 0.5
const leastRelativeDeviation = 0.05

/** Whether a threshold tells anything of how far a series moves: that of a series which has always been zero does not. */
export function hasScale(threshold: number): boolean {
  return threshold > 10 * leastHalfWidth
}

/** Whether the query wants to hear of this distance from what is expected at all. */
export function matters(
  { direction, minDeviation, minRelativeDeviation }: DetectionPolicy,
  off: number,
  expected: number,
): boolean {
  if (direction !== 'both' && off > 0 !== (direction === 'up')) return false
  return Math.abs(off) >= Math.max(minDeviation, minRelativeDeviation * Math.abs(expected))
}

/** The least distance that may be news, in the unit of the metric; `days` is how long the series is known. */
export function leastDeviation({ minDeviation, minRelativeDeviation }: DetectionPolicy, expected: number, days: number): number {
  const wanted = minRelativeDeviation > 0 ? minRelativeDeviation : leastRelativeDeviation
  const relative = days > 0 ? wanted : Math.max(wanted, firstDayRelativeDeviation)
  return Math.max(minDeviation, relative * Math.abs(expected), leastHalfWidth)
}
