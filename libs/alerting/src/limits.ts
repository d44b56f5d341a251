/**
 * How much a receiver is told: its rate limit, and the alert budget of a route.
 *
 * A rate limit holds everything once so many messages were sent within its window. A budget ("at most 20 a week") is held in the
 * open, by raising the score that an incident must have: while at least half of it is left the score need only be anomalous (1);
 * from there it rises as the inverse of what is left, and with nothing left no score is enough. What is held is told when there
 * is room again and it still fires, and listed in the digest if it ended before.
 *
 * Critical incidents pass the budget, though they count: somebody who asked for few messages did not ask to sleep through an
 * outage. They do not pass the rate limit, which protects the channel itself and whose windows are short.
 */
import type { Severity } from '@lapwing/contracts/records'
import type { Waiting } from './reconcile.ts'

export interface Allowance {
  /** At least 1. */
  readonly notifications: number
  readonly perMs: number
}

export interface Limits {
  readonly budget: Allowance | undefined
  readonly rateLimit: Allowance | undefined
}

/**
 * Why this must wait; undefined when it need not.
 *
 * @param sentAtMs times of what was sent, oldest first
 */
export function limitHold(
  news: { readonly severity: Severity; readonly score: number },
  sentAtMs: readonly number[],
  { budget, rateLimit }: Limits,
  nowMs: number,
): Waiting | undefined {
  if (budget && news.severity !== 'critical') {
    const required = requiredScore(sentAtMs, budget, nowMs)
    if (news.score < required) {
      const detail = `score ${news.score.toPrecision(3)} is below ${required.toPrecision(3)}`
      return { reason: 'over_budget', detail, untilMs: roomAtMs(sentAtMs, budget, nowMs) }
    }
  }
  if (!rateLimit || sentWithin(sentAtMs, rateLimit.perMs, nowMs) < rateLimit.notifications) return undefined
  return { reason: 'rate_limited', detail: '', untilMs: roomAtMs(sentAtMs, rateLimit, nowMs) }
}

/** The score that an incident below critical must have now, at least 1; Infinity when nothing of the budget is left. */
export function requiredScore(sentAtMs: readonly number[], { notifications, perMs }: Allowance, nowMs: number): number {
  const left = Math.max(0, 1 - sentWithin(sentAtMs, perMs, nowMs) / notifications)
  return Math.max(1, 0.5 / left)
}

/** The times that any limit still asks for, with this one more. */
export function withSent(sentAtMs: readonly number[], nowMs: number, { budget, rateLimit }: Limits): number[] {
  const longestMs = Math.max(budget?.perMs ?? 0, rateLimit?.perMs ?? 0)
  return [...sentAtMs.filter((atMs) => atMs > nowMs - longestMs), nowMs]
}

export function sentWithin(sentAtMs: readonly number[], perMs: number, nowMs: number): number {
  let count = 0
  for (let i = sentAtMs.length - 1; i >= 0 && sentAtMs[i]! > nowMs - perMs; i--) count++
  return count
}

/** When the oldest that counts no longer does. */
function roomAtMs(sentAtMs: readonly number[], { perMs }: Allowance, nowMs: number): number {
  const oldest = sentAtMs.find((atMs) => atMs > nowMs - perMs)
  return oldest === undefined ? nowMs + perMs : oldest + perMs
}
