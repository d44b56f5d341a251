/**
 * Which topologies fail together, judged by their past: a database and the service that lives on it share no label, but when one fell
 * ill the other did, time after time.
 *
 * What is remembered of a topology is when it fell ill, by the time of the samples, so the order in which records come does not matter.
 * Two belong together when they did so at about the same time often enough, and when neither often did without the other: on a day
 * on which everything fails once, nothing is joined. Bounded: the newest `mostStarts` of each are compared.
 *
 * Blind spot: the first times are told apart, and a cause that always shows long before its effect is never joined.
 */

export interface TogetherPolicy {
  /** How far apart "at about the same time" may be; 0 joins nothing. */
  readonly withinMs: number
}

export const mostStarts = 16
/** Fewer than this many times may be chance. */
const leastTimes = 3
/** Share of the times of either that the other must have been ill too. */
const leastShare = 0.75

/** The times with one more, oldest first; itself when that is one of them already. */
export function withStart(starts: readonly number[], atMs: number, { withinMs }: TogetherPolicy): readonly number[] {
  if (starts.some((each) => Math.abs(each - atMs) <= withinMs)) return starts
  return [...starts, atMs].sort((a, b) => a - b).slice(-mostStarts)
}

/** Whether what begins at `atMs` in one belongs to what began in the other. Both are taken as they were before. */
export function failTogether(
  one: readonly number[],
  other: readonly number[],
  atMs: number,
  { withinMs }: TogetherPolicy,
): boolean {
  const isNow = (each: number) => Math.abs(each - atMs) <= withinMs
  if (withinMs === 0 || !other.some(isNow)) return false
  const [before, beforeOfOther] = [one.filter((each) => !isNow(each)), other.filter((each) => !isNow(each))]
  const together = before.filter((each) => beforeOfOther.some((its) => Math.abs(its - each) <= withinMs)).length
  return together >= leastTimes && together >= leastShare * Math.max(before.length, beforeOfOther.length)
}
