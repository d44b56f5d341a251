/** How a delivery can fail: one table, so that what follows from a failure is a property of its code and never a guess. */

export const deliveryErrors = {
  unreachable: fails({ countsForBreaker: true }, 'the receiver cannot be reached'),
  interrupted: fails({ countsForBreaker: true, mayHaveArrived: true }, 'the connection to the receiver broke'),
  timeout: fails(
    { countsForBreaker: true, mayHaveArrived: true, alertMayBeAtFault: true },
    'the receiver did not answer in time',
  ),
  server_error: fails({ countsForBreaker: true, mayHaveArrived: true, alertMayBeAtFault: true }, 'the receiver failed'),
  unexpected_answer: fails(
    { countsForBreaker: true, mayHaveArrived: true, alertMayBeAtFault: true },
    'the receiver answered something else than that it took the alert',
  ),
  rate_limited: fails({}, 'the receiver asks to wait'),
  breaker_open: fails({}, 'not tried: too many failures lately'),
  stopping: fails({ mayHaveArrived: true }, 'given up because the service stops'),
  refused: fails({ retryable: false, alertMayBeAtFault: true }, 'the receiver refuses the alert'),
} as const

interface FailureProperties {
  /** It is tried again. */
  readonly retryable: boolean
  /** It says that the receiver is not well. */
  readonly countsForBreaker: boolean
  /** The receiver may have seen the alert all the same. */
  readonly mayHaveArrived: boolean
  /** Another alert might have been taken. */
  readonly alertMayBeAtFault: boolean
}

function fails(properties: Partial<FailureProperties>, message: string): FailureProperties & { readonly message: string } {
  return { retryable: true, countsForBreaker: false, mayHaveArrived: false, alertMayBeAtFault: false, ...properties, message }
}

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

/** A failed delivery as its answer. Throws what is none. */
export function deliveryError(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error
  throw error
}
