/** How a delivery can fail: one table, so that what follows from a failure is a property of its code and never a guess. */

export const deliveryErrors = {
  unreachable: { retryable: true, countsForBreaker: true, alertMayBeAtFault: false, message: 'the receiver cannot be reached' },
  timeout: { retryable: true, countsForBreaker: true, alertMayBeAtFault: true, message: 'the receiver did not answer in time' },
  server_error: { retryable: true, countsForBreaker: true, alertMayBeAtFault: true, message: 'the receiver failed' },
  unexpected_answer: {
    retryable: true,
    countsForBreaker: true,
    alertMayBeAtFault: true,
    message: 'the receiver answered something else than that it took the alert',
  },
  rate_limited: { retryable: true, countsForBreaker: false, alertMayBeAtFault: false, message: 'the receiver asks to wait' },
  breaker_open: {
    retryable: true,
    countsForBreaker: false,
    alertMayBeAtFault: false,
    message: 'not tried: too many failures lately',
  },
  stopping: { retryable: true, countsForBreaker: false, alertMayBeAtFault: false, message: 'given up because the service stops' },
  refused: { retryable: false, countsForBreaker: false, alertMayBeAtFault: true, message: 'the receiver refuses the alert' },
} as const

export type DeliveryErrorCode = keyof typeof deliveryErrors

export class DeliveryError extends Error {
  readonly code: DeliveryErrorCode
  /** How long the receiver asks us to wait, if it does. */
  readonly requestedDelayMs: number | undefined

  /** @param detail must be free of secrets */
  constructor(code: DeliveryErrorCode, detail?: string, requestedDelayMs?: number) {
    super(detail ? `${deliveryErrors[code].message}: ${detail}` : deliveryErrors[code].message)
    this.name = 'DeliveryError'
    this.code = code
    this.requestedDelayMs = requestedDelayMs
  }
}
