/**
 * Drives a receiver to the truth: from what is true of each alert and what the receiver saw last to the deliveries due now,
 * the outcomes that need no delivery, and the time to look again.
 *
 * Level-triggered: it compares states and never replays events, so an outage of six hours ends in one message per alert with
 * the truth of that moment, not in six hours of stale ones. A receiver is told of an alert that fires and was let through, told
 * again when its severity rises, and told of the end if it saw the beginning. An alert held back for flapping is let through
 * once it has fired for `flappingHoldMs`, because a steady state is no flapping and the last state is never hidden.
 *
 * Every accepted record gets exactly one outcome per receiver (`conservation.ts`); until then it is pending. Delivery is at
 * least once: whoever delivers may crash between the answer and the note of it, and tells it again afterwards. A state that was
 * sent without a sure answer may have been seen, so its end is told too: better the end of something unseen than none.
 *
 * Source: Alertmanager's "Alerts API" documentation for re-sending; the Kubernetes controllers for the pattern.
 */
import type { Alert, AlertState, NotificationOutcome, Severity } from '@lapwing/contracts/records'
import { backoffMs } from './receiver-gate.ts'
import { compareSeverity } from './severity.ts'
import { type AcceptedRecord, flappingReason, isLater, type TrackedAlert } from './tracked-alert.ts'

export interface ReceiverPolicy {
  /** Interval at which a receiver without memory is told again, firing or resolved; null tells every state once. */
  readonly resendMs: number | null
  /** How long a resolution is told again. */
  readonly resendResolvedForMs: number
  /** Least time between two requests. */
  readonly spacingMs: number
  /** Most alerts in one request. */
  readonly batchSize: number
  /** An alert held back for flapping is let through when it still fires this long after it started. */
  readonly flappingHoldMs: number
}

/** A state of an alert, as told to a receiver. */
export interface Telling {
  readonly state: AlertState
  readonly severity: Severity
  readonly atMs: number
}

/** How far a receiver is with an alert. The first four survive a restart, the others start anew. */
export interface Progress {
  /** What it saw, oldest first: one entry per severity and one for the end. */
  readonly tellings: readonly Telling[]
  /** What was sent after that, and may have been seen or not, oldest first. */
  readonly attempted: readonly Telling[]
  /** The state that it refused for good; not tried again. */
  readonly refused: Telling | null
  /** Ids of the records that have their outcome. */
  readonly settled: readonly string[]
  /** Last time it was told anything, repetitions included; 0 tells it again at once. */
  readonly sentAtMs: number
  /** Failed attempts in a row. */
  readonly attempts: number
  /** No attempt before this time. */
  readonly retryAtMs: number
  /** Code of the last failure since it was told anything, or empty. */
  readonly failure: string
}

export const noProgress: Progress = {
  tellings: [],
  attempted: [],
  refused: null,
  settled: [],
  sentAtMs: 0,
  attempts: 0,
  retryAtMs: 0,
  failure: '',
}

export interface Reconciled {
  readonly tracked: TrackedAlert
  readonly progress: Progress
  /** The latest alert of the same series, when that is another one. */
  readonly later: TrackedAlert | undefined
}

/** One alert to tell a receiver. */
export interface Delivery {
  readonly alert: Alert
  /** What it is to see; the last entry is news unless `repeated`. */
  readonly tellings: readonly Telling[]
  readonly repeated: boolean
  /** Severity at which a later alert of this series fires: where series and severity are the identity, it lives on under it. */
  readonly continuedAt: Severity | null
  /** The records that this delivery settles. */
  readonly records: readonly AcceptedRecord[]
  /** 1 for the first attempt. */
  readonly attempt: number
}

/** The final outcome of a record for a receiver. */
export interface Settlement {
  readonly alert: Alert
  readonly record: AcceptedRecord
  readonly outcome: Exclude<NotificationOutcome, 'unknown' | 'pending'>
  readonly reason: string
}

export interface Plan {
  /** One request's worth, most severe first. */
  readonly deliveries: readonly Delivery[]
  /** Outcomes that are certain without asking the receiver. */
  readonly settlements: readonly Settlement[]
  /** When the plan may look different although no record came; Infinity when never. */
  readonly wakeAtMs: number
}

export function planDeliveries(alerts: Iterable<Reconciled>, policy: ReceiverPolicy, nowMs: number): Plan {
  const due: Delivery[] = []
  const settlements: Settlement[] = []
  let wakeAtMs = Number.POSITIVE_INFINITY
  for (const reconciled of alerts) {
    const step = nextStep(reconciled, policy, nowMs)
    settlements.push(...step.settlements)
    if (step.delivery) due.push(step.delivery)
    else wakeAtMs = Math.min(wakeAtMs, step.wakeAtMs)
  }
  return { deliveries: due.sort(byUrgency).slice(0, policy.batchSize), settlements, wakeAtMs }
}

/** The progress with these outcomes noted. */
export function settle(progress: Progress, settlements: readonly Settlement[]): Progress {
  return { ...progress, settled: [...progress.settled, ...settlements.map(({ record }) => record.id)] }
}

/** The progress to be noted before the request is made, so that a crash right after it forgets nothing; itself for a repetition. */
export function beforeDelivery(progress: Progress, delivery: Delivery): Progress {
  return delivery.repeated ? progress : { ...progress, attempted: delivery.tellings.slice(progress.tellings.length) }
}

/** The progress after a delivery that has its answer, and the outcomes that follow. */
export interface Answered {
  readonly progress: Progress
  readonly settlements: readonly Settlement[]
}

export function afterDelivered(progress: Progress, delivery: Delivery, nowMs: number): Answered {
  const told = { ...lastOf(delivery.tellings), atMs: nowMs }
  const settlements = delivery.records.map((record) => deliveredOrSuperseded(delivery.alert, record, told))
  const learned = delivery.repeated ? {} : { tellings: [...delivery.tellings.slice(0, -1), told], attempted: [], refused: null }
  return { progress: settle({ ...progress, ...learned, ...rested(nowMs) }, settlements), settlements }
}

/** After a refusal for good. A repetition that is refused is tried again when it is next due. */
export function afterRefused(progress: Progress, delivery: Delivery, nowMs: number): Answered {
  const settlements = delivery.records.map((record) => outcomeOf(delivery.alert, record, 'dead_lettered', 'refused'))
  const learned = delivery.repeated ? {} : { refused: { ...lastOf(delivery.tellings), atMs: nowMs } }
  return { progress: settle({ ...progress, ...learned, ...rested(nowMs) }, settlements), settlements }
}

/** A failure that may pass. */
export interface FailedAttempt {
  readonly code: string
  /** What may have been seen after it: with the state just sent if that may have arrived, else what it was before. */
  readonly attempted: readonly Telling[]
  /** False when the receiver would have failed with any alert; this one then need not wait longer than the others. */
  readonly alertMayBeAtFault: boolean
  /** Evenly distributed from 0 to 1. */
  readonly chance: number
}

/** The progress after it. An alert that may be at fault backs off on its own, so that one which always fails holds up no other. */
export function afterFailedAttempt(progress: Progress, nowMs: number, failed: FailedAttempt): Progress {
  const { code, attempted, alertMayBeAtFault, chance } = failed
  const retryAtMs = alertMayBeAtFault ? nowMs + backoffMs(progress.attempts, chance) : progress.retryAtMs
  return { ...progress, attempted, attempts: progress.attempts + 1, retryAtMs, failure: code }
}

function rested(nowMs: number) {
  return { sentAtMs: nowMs, attempts: 0, retryAtMs: 0, failure: '' }
}

/** Nothing is left to do for this alert, now or later, unless another record comes. */
export function isFinished(tracked: TrackedAlert, progress: Progress, policy: ReceiverPolicy, nowMs: number): boolean {
  if (tracked.alert.state !== 'resolved' || unsettled(tracked, progress).length > 0) return false
  const last = seen(progress).at(-1)
  if (!last || progress.refused?.state === 'resolved') return true
  return last.state === 'resolved' && nowMs >= last.atMs + policy.resendResolvedForMs
}

/** Records without an outcome yet. */
export function unsettled(tracked: TrackedAlert, progress: Progress): AcceptedRecord[] {
  return tracked.records.filter((record) => !progress.settled.includes(record.id))
}

interface Step {
  readonly delivery?: Delivery
  readonly settlements: Settlement[]
  readonly wakeAtMs: number
}

function nextStep({ tracked, progress, later }: Reconciled, policy: ReceiverPolicy, nowMs: number): Step {
  const { alert } = tracked
  const letThroughMs = letThroughAtMs(tracked, policy)
  const belief = beliefToReach(tracked, progress, letThroughMs <= nowMs, nowMs)
  const open = unsettled(tracked, progress)
  const settlements = open.flatMap((record) => certainOutcome(alert, record, belief !== null, letThroughMs > nowMs))
  const records = open.filter((record) => !settlements.some((settlement) => settlement.record === record))
  const continuedAt = later && continues(later, policy, nowMs) ? later.alert.severity : null
  const dueAtMs = belief ? progress.retryAtMs : Math.max(repeatAtMs(alert, progress, policy, nowMs), progress.retryAtMs)

  if (dueAtMs > nowMs) return { settlements, wakeAtMs: Math.min(dueAtMs, letThroughMs > nowMs ? letThroughMs : dueAtMs) }
  const tellings = belief ? [...seen(progress).filter((telling) => !sameBelief(telling, belief)), belief] : progress.tellings
  const delivery = { alert, tellings, repeated: !belief, continuedAt, records, attempt: progress.attempts + 1 }
  return { delivery, settlements, wakeAtMs: nowMs }
}

/** When a firing alert is let through: at once, when it has fired long enough although flapping, or never. */
function letThroughAtMs({ alert, records }: TrackedAlert, policy: ReceiverPolicy): number {
  if (alert.state === 'resolved') return Number.POSITIVE_INFINITY
  if (records.some(({ decision }) => decision === 'notify')) return Number.NEGATIVE_INFINITY
  return records.some(({ reason }) => reason === flappingReason)
    ? alert.startedAtMs + policy.flappingHoldMs
    : Number.POSITIVE_INFINITY
}

/** What the receiver must be told to know the truth; null when it knows, need not know, or refused to know. */
function beliefToReach({ alert }: TrackedAlert, progress: Progress, letThrough: boolean, nowMs: number): Telling | null {
  const belief = { state: alert.state, severity: alert.severity, atMs: nowMs }
  if (progress.refused && sameBelief(progress.refused, belief)) return null
  const told = progress.tellings.at(-1)
  if (alert.state === 'resolved') return endToTell(progress, belief)
  if (!told) return letThrough ? belief : null
  return compareSeverity(alert.severity, told.severity) > 0 ? belief : null
}

/** The end of what the receiver saw, or may have seen, under the severity that it knows. */
function endToTell(progress: Progress, end: Telling): Telling | null {
  const firing = seen(progress)
    .filter(({ state }) => state === 'firing')
    .at(-1)
  return firing && progress.tellings.at(-1)?.state !== 'resolved' ? { ...end, severity: firing.severity } : null
}

/** What it saw and what it may have seen. */
function seen({ tellings, attempted }: Progress): readonly Telling[] {
  return attempted.length > 0 ? [...tellings, ...attempted] : tellings
}

function sameBelief(a: Telling, b: Telling): boolean {
  return a.state === b.state && (a.state === 'resolved' || a.severity === b.severity)
}

/** The outcome of a record that no delivery will settle, if it has one by now. */
function certainOutcome(alert: Alert, record: AcceptedRecord, toTell: boolean, held: boolean): Settlement[] {
  const suppressed = record.decision === 'suppress'
  if (suppressed && record.reason !== flappingReason) return [outcomeOf(alert, record, 'suppressed', record.reason)]
  if (toTell) return []
  if (alert.state === 'firing' && held) return []
  if (suppressed) return [outcomeOf(alert, record, 'suppressed', record.reason)]
  return [outcomeOf(alert, record, 'suppressed', alert.state === 'resolved' ? 'over_before_told' : 'duplicate')]
}

/** When what the receiver saw last, and what is still true, must be told again. */
function repeatAtMs(alert: Alert, { tellings, sentAtMs }: Progress, policy: ReceiverPolicy, nowMs: number): number {
  const last = tellings.at(-1)
  if (policy.resendMs === null || last?.state !== alert.state) return Number.POSITIVE_INFINITY
  const atMs = Math.max(sentAtMs + policy.resendMs, nowMs)
  return last.state === 'resolved' && atMs >= last.atMs + policy.resendResolvedForMs ? Number.POSITIVE_INFINITY : atMs
}

function continues(later: TrackedAlert, policy: ReceiverPolicy, nowMs: number): boolean {
  return later.alert.state === 'firing' && letThroughAtMs(later, policy) <= nowMs
}

function deliveredOrSuperseded(alert: Alert, record: AcceptedRecord, told: Telling): Settlement {
  if (!sameBelief(told, { ...record, atMs: 0 })) return outcomeOf(alert, record, 'suppressed', 'superseded')
  return outcomeOf(alert, record, 'delivered', record.decision === 'suppress' ? 'still_firing' : record.reason)
}

function outcomeOf(alert: Alert, record: AcceptedRecord, outcome: Settlement['outcome'], reason: string): Settlement {
  return { alert, record, outcome, reason }
}

/** Most severe first, then those not tried yet, then in the order of their beginning, which a series' own alerts need. */
function byUrgency(a: Delivery, b: Delivery): number {
  return (
    compareSeverity(lastOf(b.tellings).severity, lastOf(a.tellings).severity) ||
    a.attempt - b.attempt ||
    (isLater(a.alert, b.alert) ? 1 : -1)
  )
}

function lastOf(tellings: readonly Telling[]): Telling {
  return tellings[tellings.length - 1]!
}
