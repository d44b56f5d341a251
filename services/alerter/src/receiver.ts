/** What a receiver of alerts is to the loop that drives it. */
import type { Delivery, ReceiverPolicy } from '@lapwing/alerting/reconcile'
import type { DeliveryError } from './delivery-errors.ts'

export type BreakerState = 'closed' | 'half_open' | 'open'

export interface Receiver {
  readonly name: ReceiverName
  readonly policy: ReceiverPolicy
  /** Tells it; one answer per delivery, in their order, undefined for taken. Does not reject. */
  deliver(deliveries: readonly Delivery[], signal: AbortSignal): Promise<(DeliveryError | undefined)[]>
  breakerState(): BreakerState
  close(): void
}

/** All there are, configured or not: what is remembered for one that was switched off must be found again. */
export const receiverNames = ['log', 'slack', 'alertmanager'] as const
export type ReceiverName = (typeof receiverNames)[number]
