/**
 * Mutes: what people asked not to be told of, for a time, by whom and why.
 *
 * A mute is in force between its two ends; if it has intervals or a calendar, then only while one of them holds. It keeps news
 * from being told and forgets nothing: what still fires when it ends is told then, and the end of what was told before is told
 * all the same. Alertmanager's silences are mutes too, for the receivers that Alertmanager does not serve.
 */
import type { Window } from './calendar.ts'
import { allMatch, type LabelSet, type Matcher } from './matcher.ts'
import { ReadableError } from './readable-error.ts'
import { holdsAt, type TimeInterval } from './time-interval.ts'

export interface Mute {
  readonly id: string
  readonly matchers: readonly Matcher[]
  readonly startsAtMs: number
  /** Not included. */
  readonly endsAtMs: number
  /** Only while one of these holds; empty is always. */
  readonly intervals: readonly TimeInterval[]
  /** Only in one of these, by their beginning; null is always. */
  readonly windows: readonly Window[] | null
  readonly author: string
  readonly comment: string
}

export interface MuteInForce {
  readonly mute: Mute
  /** Look again then: it ends, or may end, not before. */
  readonly untilMs: number
}

/** Longest life of a mute. One that nobody renews in a year is forgotten by people too. */
export const longestMuteMs = 366 * 86_400_000

/** Throws ReadableError when a mute would last too long, never, or mute everything by mistake. */
export function checkMute({ matchers, startsAtMs, endsAtMs }: Mute): void {
  if (!(endsAtMs > startsAtMs)) throw new ReadableError('expected an end after the beginning')
  if (endsAtMs - startsAtMs > longestMuteMs)
    throw new ReadableError('expected a mute of at most 366 days: renew it when it is due')
  if (matchers.every((matcher) => matcher.matches({}))) {
    throw new ReadableError('expected at least one matcher that does not match an empty value: this mute would match everything')
  }
}

/** The mute in force for these labels that ends last, if there is one. */
export function muteFor(mutes: readonly Mute[], labels: LabelSet, nowMs: number): MuteInForce | undefined {
  let longest: MuteInForce | undefined
  for (const mute of mutes) {
    const untilMs = inForceUntil(mute, nowMs)
    if (untilMs > (longest?.untilMs ?? nowMs) && allMatch(mute.matchers, labels)) longest = { mute, untilMs }
  }
  return longest
}

/** Whether it keeps anything quiet at this moment. */
export function isInForce(mute: Mute, nowMs: number): boolean {
  return inForceUntil(mute, nowMs) > nowMs
}

/** Recurring times are looked at again every minute, which is as fine as they can be. */
const minuteMs = 60_000

function inForceUntil(mute: Mute, nowMs: number): number {
  if (nowMs < mute.startsAtMs || nowMs >= mute.endsAtMs) return Number.NEGATIVE_INFINITY
  if (mute.intervals.length === 0 && mute.windows === null) return mute.endsAtMs
  const window = mute.windows?.find(({ startMs, endMs }) => nowMs >= startMs && nowMs < endMs)
  if (window) return Math.min(window.endMs, mute.endsAtMs)
  const holds = mute.intervals.some((interval) => holdsAt(interval, nowMs))
  return holds ? Math.min((Math.floor(nowMs / minuteMs) + 1) * minuteMs, mute.endsAtMs) : Number.NEGATIVE_INFINITY
}
