/**
 * When a receiver may be asked again: spacing between requests, waiting time after failures, and what the receiver itself asks for.
 *
 * After failures in a row the wait doubles from `firstDelayMs` to `longestDelayMs` and is then drawn evenly from its upper half:
 * enough jitter that senders which failed together don't return together, and never a retry at once. A wait named by the
 * receiver (`Retry-After`) counts in full, up to `longestRequestedDelayMs`, so that a damaged answer cannot silence us for days.
 */

export interface ReceiverGate {
  /** No request before this time, milliseconds since the epoch. */
  readonly opensAtMs: number
  /** Failures in a row. */
  readonly failures: number
}

export const openGate: ReceiverGate = { opensAtMs: 0, failures: 0 }

/** The gate after the receiver answered, well or with a refusal that is final. */
export function afterAnswer(nowMs: number, spacingMs: number): ReceiverGate {
  return { opensAtMs: nowMs + spacingMs, failures: 0 }
}

/**
 * The gate after a failure that may pass.
 *
 * `requestedDelayMs` is what the receiver asked for, if it did; `chance` is evenly distributed from 0 to 1.
 */
export function afterFailure(
  gate: ReceiverGate,
  nowMs: number,
  { spacingMs, requestedDelayMs, chance }: { spacingMs: number; requestedDelayMs: number | undefined; chance: number },
): ReceiverGate {
  const delayMs = requestedDelayMs === undefined ? backoffMs(gate.failures, chance) : clamped(requestedDelayMs)
  return { opensAtMs: nowMs + Math.max(delayMs, spacingMs), failures: gate.failures + 1 }
}

/**
 * The wait before the next attempt.
 *
 * @param failures failures before the one just seen
 * @param chance 0 to 1, evenly distributed
 */
export function backoffMs(failures: number, chance: number): number {
  const ceilingMs = Math.min(firstDelayMs * 2 ** failures, longestDelayMs)
  return (ceilingMs / 2) * (1 + chance)
}

const firstDelayMs = 1000
const longestDelayMs = 60_000
const longestRequestedDelayMs = 3_600_000

/** A receiver that asks us to wait but names no time is not asked again at once. */
function clamped(requestedDelayMs: number): number {
  return Math.min(Math.max(requestedDelayMs, firstDelayMs / 2), longestRequestedDelayMs)
}
