/**
 * Which series are remembered no longer. Where pods come and go each of them is a series of its own, and what is never forgotten fills a
 * partition to its limit, after which new series are dropped for good.
 *
 * A series is remembered for as long after its last sample as it was known before, at least a day: a pod that lived an hour is of no use tomorrow,
 * the season of a machine is still true after a week of maintenance. Asked once in an hour of the samples' time, so a replay decides the same.
 */

export interface IdleSeries {
  readonly lastSampleMs: number
  /** How long it was known until then. */
  readonly knownMs: number
}

/** @param mostMs longest time that any series is remembered after its last sample */
export function isForgotten({ lastSampleMs, knownMs }: IdleSeries, nowMs: number, mostMs: number): boolean {
  return nowMs - lastSampleMs > Math.min(mostMs, Math.max(dayMs, knownMs))
}

/** Whether an hour of the samples' time ended between two looks. */
export function isHourOver(previousMs: number, nowMs: number): boolean {
  return Math.floor(nowMs / hourMs) > Math.floor(previousMs / hourMs)
}

const hourMs = 3_600_000
export const dayMs = 24 * hourMs
