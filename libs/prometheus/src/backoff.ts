/**
 * How long to wait before the next attempt: exponential, jittered, and never shorter than the server asked for.
 *
 * Half of the delay is fixed and half is random: full jitter spreads better, but may draw no delay at all and so hammer a
 * server that has just come back.
 *
 * Source: M. Brooker, "Exponential Backoff And Jitter"; RFC 9110 section 10.2.3 (Retry-After).
 */

export interface BackoffPolicy {
  readonly firstMs: number
  readonly longestMs: number
}

/**
 * @param attempt failures so far, from 1
 * @param random source of uniform numbers in [0, 1)
 * @param askedMs what the server asked for, 0 when nothing; it may exceed the longest delay of the policy
 */
export function backoffMs(attempt: number, policy: BackoffPolicy, random: () => number, askedMs: number): number {
  const fullMs = Math.min(policy.longestMs, policy.firstMs * 2 ** (attempt - 1))
  return Math.max(askedMs, fullMs / 2 + (random() * fullMs) / 2)
}

/** Milliseconds from a Retry-After header, in seconds or as a date; 0 when it is absent or unreadable, at most an hour. */
export function retryAfterMs(header: string | null, nowMs: number): number {
  if (!header) return 0
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - nowMs
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), longestAskedMs)
}

const longestAskedMs = 3_600_000
