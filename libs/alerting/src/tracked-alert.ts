/**
 * What is true of an alert, and the records that said so: the desired state that receivers are driven to.
 *
 * Truth grows only one way (severity rises, a resolution is final), so records may come in any order, late and more than once.
 * Every record is remembered by its id until the alert is forgotten, so each gets exactly one outcome per receiver.
 *
 * An alert of a series ends when a newer one of the same series begins, even if its own end never arrived: a detector has one
 * episode per series, and an alert that nobody ends would fire for ever.
 */
import type { Alert, AlertDecision, AlertState, Severity } from '@lapwing/contracts/records'
import { higherSeverity } from './severity.ts'

/** One alert record, as far as its outcome depends on it. */
export interface AcceptedRecord {
  readonly id: string
  /** The alert that it is about. */
  readonly alertId: string
  readonly anomalyId: string
  readonly state: AlertState
  readonly severity: Severity
  readonly decision: AlertDecision
  readonly reason: string
  readonly place: LogPlace
}

/** Where and when an alert record was written to the log. */
export interface LogPlace {
  readonly offset: number
  /** Milliseconds since the epoch; latency counts from here. */
  readonly writtenAtMs: number
}

export interface TrackedAlert {
  /** The truth, with the values of the record that told it. */
  readonly alert: Alert
  /** In order of arrival. */
  readonly records: readonly AcceptedRecord[]
}

/** Reason of a decision that holds an alert back for a time only. */
export const flappingReason = 'flapping'

/** The alert after this record. A record seen before returns `tracked` itself. */
export function accept(alert: Alert, place: LogPlace, tracked: TrackedAlert | undefined): TrackedAlert {
  const record = acceptedRecord(alert, place)
  if (!tracked) return { alert, records: [record] }
  if (tracked.records.some((known) => known.id === record.id)) return tracked
  return { alert: laterTruth(tracked.alert, alert), records: [...tracked.records, record] }
}

/** The alert ended by `newer`, a later one of its series; itself when it had ended already. */
export function endedBy(newer: Alert, place: LogPlace, tracked: TrackedAlert): TrackedAlert {
  if (tracked.alert.state === 'resolved') return tracked
  const end: Alert = {
    ...tracked.alert,
    recordId: `${tracked.alert.id}/superseded`,
    state: 'resolved',
    decision: 'notify',
    reason: 'superseded',
    endedAtMs: newer.startedAtMs,
  }
  return accept(end, place, tracked)
}

/** True when `a` is the later alert of their series; ties are broken by id, so that two orders of arrival agree. */
export function isLater(a: Alert, b: Alert): boolean {
  return a.startedAtMs === b.startedAtMs ? a.id > b.id : a.startedAtMs > b.startedAtMs
}

/** The alert without its oldest records that every receiver has an outcome for, so that a sender that repeats itself costs a bounded memory. */
export function pruned(tracked: TrackedAlert, settledEverywhere: (recordId: string) => boolean): TrackedAlert {
  const surplus = tracked.records.length - rememberedRecords
  if (surplus <= 0) return tracked
  const records = tracked.records.filter((record, age) => age >= surplus || !settledEverywhere(record.id))
  return { alert: tracked.alert, records }
}

/** A detector writes four records per episode; the rest is room for recognising repeated ones. */
const rememberedRecords = 100

function acceptedRecord(alert: Alert, place: LogPlace): AcceptedRecord {
  const { recordId: id, id: alertId, anomalyId, state, severity, decision, reason } = alert
  return { id, alertId, anomalyId, state, severity, decision, reason, place }
}

function laterTruth(known: Alert, news: Alert): Alert {
  const severity = higherSeverity(known.severity, news.severity)
  if (known.state === 'resolved') return known
  if (news.state === 'resolved' || news.observedAtMs >= known.observedAtMs) return { ...news, severity }
  return { ...known, severity }
}
