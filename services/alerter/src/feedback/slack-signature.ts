/**
 * Whether a request comes from Slack, now, and for the first time.
 *
 * Source: Slack "Verifying requests from Slack": version, time and body under HMAC-SHA256; requests older than five minutes are to be refused.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

export interface SignedRequest {
  /** `X-Slack-Request-Timestamp`: seconds since the epoch. */
  readonly timestamp: string | undefined
  /** `X-Slack-Signature`. */
  readonly signature: string | undefined
  /** As it came, to the byte. */
  readonly body: Buffer
}

export type RequestTrust = 'trusted' | 'unsigned' | 'stale' | 'forged' | 'replayed'

export interface SlackGuard {
  /** A request that is trusted once is `replayed` from then on. */
  check(request: SignedRequest, nowMs: number): RequestTrust
}

const longestAgeMs = 300_000

export function createSlackGuard(signingSecret: string): SlackGuard {
  /** Signatures that were trusted, with the time until which they could be again. */
  const seen = new Map<string, number>()
  return {
    check: ({ timestamp, signature, body }, nowMs) => {
      if (!timestamp || !signature || !/^\d{1,12}$/.test(timestamp)) return 'unsigned'
      const sentAtMs = Number(timestamp) * 1000
      if (Math.abs(nowMs - sentAtMs) > longestAgeMs) return 'stale'
      if (!isSame(signature, slackSignature(signingSecret, timestamp, body))) return 'forged'
      for (const [known, untilMs] of seen) if (untilMs < nowMs) seen.delete(known)
      if (seen.has(signature)) return 'replayed'
      seen.set(signature, sentAtMs + longestAgeMs)
      return 'trusted'
    },
  }
}

export function slackSignature(signingSecret: string, timestamp: string, body: Buffer): string {
  return `v0=${createHmac('sha256', signingSecret).update(`v0:${timestamp}:`).update(body).digest('hex')}`
}

/** In a time that does not depend on where they differ. */
function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
