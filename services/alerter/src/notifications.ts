/**
 * The records that tell what became of an alert: `notifications` for every outcome, `dead-letters` for what a receiver refused.
 *
 * Ids are functions of record, receiver and outcome, so one written twice after a crash is recognised. A record that is tried
 * again is written once as pending per kind of failure, not once per attempt.
 */
import type { Settlement } from '@lapwing/alerting/reconcile'
import { encode } from '@lapwing/contracts/codec'
import type { DeadLetter, Notification } from '@lapwing/contracts/records'
import { defaultRoute } from './decide-alert.ts'
import type { DeliveryError } from './delivery-errors.ts'

/** What became of a record for a receiver, and how. */
export interface Note {
  readonly outcome: Omit<Settlement, 'outcome'> & { readonly outcome: Settlement['outcome'] | 'pending' }
  readonly told: Told
}

export interface Told {
  readonly receiver: string
  /** 0 when the outcome needed none. */
  readonly attempts: number
  /** For a person: what is known beside the reason, or empty. */
  readonly detail: string
  readonly error: DeliveryError | undefined
  readonly atMs: number
}

export function notificationOf({ outcome: { alert, record, outcome, reason }, told }: Note): Notification {
  const { receiver, attempts, detail, error, atMs } = told
  const kind = outcome === 'pending' ? `${outcome}/${reason}` : outcome
  return {
    id: `${record.id}/${alert.route === defaultRoute ? '' : `${alert.route}/`}${receiver}/${kind}`,
    alertId: alert.id,
    anomalyId: record.anomalyId,
    route: alert.route,
    receiver,
    outcome,
    reason,
    state: record.state,
    severity: record.severity,
    metric: alert.metric,
    labels: alert.labels,
    attempts,
    error: error?.message ?? detail,
    atMs,
  }
}

/** The alert as it stood, under the place of the record that led to the delivery. */
export function refusalOf(
  { outcome: { alert, record } }: Note,
  topic: string,
  partition: number,
  error: DeliveryError,
): DeadLetter {
  return {
    reason: error.code,
    error: error.message,
    service: 'alerter',
    topic,
    partition,
    offset: record.place.offset,
    timestampMs: record.place.writtenAtMs,
    key: Buffer.from(alert.route),
    value: encode('Alert', alert),
  }
}
