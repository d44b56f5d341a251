/** What a receiver of alerts is to the loop that drives it. */
import type { Digest } from '@lapwing/alerting/digest'
import type { Allowance } from '@lapwing/alerting/limits'
import type { Delivery, ReceiverPolicy } from '@lapwing/alerting/reconcile'
import type { DeliveryError } from './delivery-errors.ts'

export type BreakerState = 'closed' | 'half_open' | 'open'

/** Undefined for taken; with what the receiver knows the message by, where a later state is told by changing it. */
export type DeliveryAnswer = DeliveryError | { readonly messageRef: string } | undefined

export interface Receiver {
  /** Unique; the memory of what it was told is kept under it. */
  readonly name: string
  /** Whether it is told of each alert, or of incidents, as people are. */
  readonly unit: 'alert' | 'incident'
  readonly policy: ReceiverPolicy
  /** How much it may be told; undefined for a receiver that nobody is woken by. */
  readonly limits: { readonly rateLimit: Allowance | undefined } | undefined
  /** Tells it; one answer per delivery, in their order. Does not reject. */
  deliver(deliveries: readonly Delivery[], signal: AbortSignal): Promise<DeliveryAnswer[]>
  /** Tells what was left out on a route; absent where nobody reads digests. Does not reject. */
  readonly tellDigest?: (digest: Digest, route: string, signal: AbortSignal) => Promise<DeliveryError | undefined>
  breakerState(): BreakerState
  close(): void
}
