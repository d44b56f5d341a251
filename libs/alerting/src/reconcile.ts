/**
 * Drives a receiver to the truth: from what is true of each alert and what the receiver saw last to the deliveries due now,
 * the outcomes that need no delivery, and the time to look again.
 *
 * Level-triggered: it compares states and never replays events, so an outage of six hours ends in one message per alert with
 * the truth of that moment, not in six hours of stale ones. A receiver is told of an alert that fires and was let through, told
 * again when its severity rises or it comes back, and told of the end if it saw the beginning. What is held (`hold.ts`,
 * `limits.ts`) is told when the hold is over and it still fires; a hold keeps no end from somebody who saw the beginning.
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
import type { SaidVerdict } from './verdict.ts'

export interface ReceiverPolicy {
  /** Interval at which a receiver without memory is told again, firing or resolved; null tells every state once. */
  readonly resendMs: number | null
  /** How long a resolution is told again. */
  readonly resendResolvedForMs: number
  /** Least time between two requests. */
  readonly spacingMs: number
  /** Most alerts in one request. */
  readonly batchSize: number
}

/** A state of an alert, as told to a receiver. */
export interface Telling {
  readonly state: AlertState
  readonly severity: Severity
  readonly atMs: number
}

/** How far a receiver is with an alert. The first six survive a restart, the others start anew. */
export interface Progress {
  /** What it saw, oldest first: one entry per severity and one for the end. */
  readonly tellings: readonly Telling[]
  /** What was sent after that, and may have been seen or not, oldest first. */
  readonly attempted: readonly Telling[]
  /** The state that it refused for good; not tried again. */
  readonly refused: Telling | null
  /** Ids of the records that have their outcome. */
  readonly settled: readonly string[]
  /** The last hold that kept it from being told, or empty. */
  readonly heldBy: string
  /** What the receiver knows the last message by, where it can be changed; else empty. */
  readonly messageRef: string
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
  heldBy: '',
  messageRef: '',
  sentAtMs: 0,
  attempts: 0,
  retryAtMs: 0,
  failure: '',
}

export interface Reconciled {
  readonly tracked: TrackedAlert
  readonly progress: Progress
  /** Why news of it must wait; a hold that is over is none. */
  readonly hold: Waiting | undefined
  /** Severity at which a later alert of its series is told, if one is. */
  readonly continuedAt: Severity | null
  /** The alerts that it stands for. */
  readonly members: readonly Alert[]
  /** The verdict because of which it is over to receivers although it fires. */
  readonly quietedBy: SaidVerdict | undefined
}

/** A hold, as far as the plan depends on it. */
export interface Waiting {
  readonly reason: string
  /** For a person. */
  readonly detail: string
  readonly untilMs: number
}

/** One alert to tell a receiver. */
export interface Delivery {
  readonly alert: Alert
  /** What it is to see; the last entry is news unless `repeated`. */
  readonly tellings: readonly Telling[]
  readonly repeated: boolean
  /** The alerts that it stands for: itself, or those of an incident. */
  readonly members: readonly Alert[]
  /** Severity at which a later alert of this series fires: where series and severity are the identity, it lives on under it. */
  readonly continuedAt: Severity | null
  /** The verdict because of which it ends; undefined for an end by itself, and for a beginning. */
  readonly quietedBy: SaidVerdict | undefined
  /** What the receiver knows the message of an earlier state by, or empty. */
  readonly messageRef: string
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

/** An alert that is held for another reason than before, and the records that wait. */
export interface Held {
  readonly alert: Alert
  readonly records: readonly AcceptedRecord[]
  readonly hold: Waiting
}

export interface Plan {
  /** One request's worth, most severe first. */
  readonly deliveries: readonly Delivery[]
  readonly held: readonly Held[]
  /** When to look again at each alert that is not due, by its id. */
  readonly quietUntilMs: ReadonlyMap<string, number>
  /** Outcomes that are certain without asking the receiver. */
  readonly settlements: readonly Settlement[]
  /** When the plan may look different although no record came; Infinity when never. */
  readonly wakeAtMs: number
}

export function planDeliveries(alerts: Iterable<Reconciled>, policy: ReceiverPolicy, nowMs: number): Plan {
  const due: Delivery[] = []
  const held: Held[] = []
  const settlements: Settlement[] = []
  const quietUntilMs = new Map<string, number>()
  let wakeAtMs = Number.POSITIVE_INFINITY
  for (const reconciled of alerts) {
    const step = nextStep(reconciled, policy, nowMs)
    settlements.push(...step.settlements)
    if (step.held) held.push(step.held)
    if (step.delivery) due.push(step.delivery)
    else {
      quietUntilMs.set(reconciled.tracked.alert.id, step.wakeAtMs)
      wakeAtMs = Math.min(wakeAtMs, step.wakeAtMs)
    }
  }
  return { deliveries: due.sort(byUrgency).slice(0, policy.batchSize), held, settlements, quietUntilMs, wakeAtMs }
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

/** @param messageRef what the receiver knows the message by now */
export function afterDelivered(
  progress: Progress,
  delivery: Delivery,
  nowMs: number,
  messageRef = progress.messageRef,
): Answered {
  const told = { ...lastOf(delivery.tellings), atMs: nowMs }
  const settlements = delivery.records.map((record) => deliveredOrSuperseded(delivery, record, told))
  const learned = delivery.repeated ? {} : { tellings: [...delivery.tellings.slice(0, -1), told], attempted: [], refused: null }
  return { progress: settle({ ...progress, ...learned, ...rested(nowMs), messageRef }, settlements), settlements }
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
  return { ...progress, attempted, heldBy: '', attempts: progress.attempts + 1, retryAtMs, failure: code }
}

function rested(nowMs: number) {
  return { heldBy: '', sentAtMs: nowMs, attempts: 0, retryAtMs: 0, failure: '' }
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
  if (progress.settled.length === 0) return [...tracked.records]
  const settled = new Set(progress.settled)
  return tracked.records.filter((record) => !settled.has(record.id))
}

interface Step {
  readonly delivery?: Delivery
  readonly held?: Held
  readonly settlements: Settlement[]
  readonly wakeAtMs: number
}

function nextStep(reconciled: Reconciled, policy: ReceiverPolicy, nowMs: number): Step {
  const { tracked, progress, hold, continuedAt, members, quietedBy } = reconciled
  const { alert } = tracked
  const belief = beliefToReach(alert, progress, hold, nowMs)
  const { settlements, records } = certainOutcomes(reconciled, belief)
  const held = hold && hold.reason !== progress.heldBy ? { alert, records, hold } : undefined
  const dueAtMs = belief ? progress.retryAtMs : Math.max(repeatAtMs(alert, progress, policy, nowMs), progress.retryAtMs)

  if (dueAtMs > nowMs) {
    return { settlements, wakeAtMs: Math.min(dueAtMs, hold?.untilMs ?? dueAtMs), ...(held && { held }) }
  }
  const attempted = belief ? progress.attempted.filter((telling) => !sameBelief(telling, belief)) : []
  const tellings = belief ? [...progress.tellings, ...attempted, belief] : progress.tellings
  const { messageRef, attempts } = progress
  const told = { alert, tellings, repeated: !belief, members, continuedAt, quietedBy, messageRef, records }
  const delivery = { ...told, attempt: attempts + 1 }
  return { delivery, settlements, wakeAtMs: nowMs }
}

/** What the receiver must be told to know the truth; null when it knows, need not know yet, or refused to know. */
function beliefToReach(alert: Alert, progress: Progress, hold: Waiting | undefined, nowMs: number): Telling | null {
  const belief = { state: alert.state, severity: alert.severity, atMs: nowMs }
  if (progress.refused && sameBelief(progress.refused, belief)) return null
  if (alert.state === 'resolved') return endToTell(progress, belief)
  return isNews(alert, progress) && !hold ? belief : null
}

/** True when the receiver does not know that it fires, or not how badly, or may believe an end that it was sent. */
export function isNews(alert: Alert, { tellings, attempted }: Progress): boolean {
  if (alert.state === 'resolved') return false
  const told = tellings.at(-1)
  if (!told || told.state === 'resolved' || attempted.some(({ state }) => state === 'resolved')) return true
  return compareSeverity(alert.severity, told.severity) > 0
}

/** The end of what the receiver saw, or may have seen since the last end, under the severity that it knows. */
function endToTell(progress: Progress, end: Telling): Telling | null {
  const firing = seen(progress)
    .filter(({ state }) => state === 'firing')
    .at(-1)
  const mayFire = progress.tellings.at(-1)?.state === 'firing' || progress.attempted.some(({ state }) => state === 'firing')
  return firing && mayFire ? { ...end, severity: firing.severity } : null
}

/** The progress with the hold noted, so that it is told once. */
export function afterHeld(progress: Progress, { hold }: Held): Progress {
  return { ...progress, heldBy: hold.reason }
}

/** What it saw and what it may have seen. */
function seen({ tellings, attempted }: Progress): readonly Telling[] {
  return attempted.length > 0 ? [...tellings, ...attempted] : tellings
}

function sameBelief(a: Telling, b: Telling): boolean {
  return a.state === b.state && (a.state === 'resolved' || a.severity === b.severity)
}

/** The records that no delivery will settle, with their outcomes, and the others that have none yet. */
function certainOutcomes(reconciled: Reconciled, belief: Telling | null) {
  const settlements: Settlement[] = []
  const records: AcceptedRecord[] = []
  for (const record of unsettled(reconciled.tracked, reconciled.progress)) {
    const reason = certainReason(reconciled, record, belief)
    if (reason === undefined) records.push(record)
    else settlements.push(outcomeOf(reconciled.tracked.alert, record, 'suppressed', reason))
  }
  return { settlements, records }
}

function certainReason(reconciled: Reconciled, record: AcceptedRecord, belief: Telling | null): string | undefined {
  const { tracked, progress, hold, members } = reconciled
  const suppressed = record.decision === 'suppress'
  if (suppressed && record.reason !== flappingReason) return record.reason
  if (belief || hold) return undefined
  if (suppressed) return record.reason
  if (tracked.alert.state === 'firing') return members.length > 1 ? 'grouped' : 'duplicate'
  if (reconciled.quietedBy) return reconciled.quietedBy.verdict
  return progress.heldBy || (progress.tellings.length > 0 ? 'duplicate' : 'over_before_told')
}

/** When what the receiver saw last, and what is still true, must be told again. */
function repeatAtMs(alert: Alert, { tellings, sentAtMs }: Progress, policy: ReceiverPolicy, nowMs: number): number {
  const last = tellings.at(-1)
  if (policy.resendMs === null || last?.state !== alert.state) return Number.POSITIVE_INFINITY
  const atMs = Math.max(sentAtMs + policy.resendMs, nowMs)
  return last.state === 'resolved' && atMs >= last.atMs + policy.resendResolvedForMs ? Number.POSITIVE_INFINITY : atMs
}

function deliveredOrSuperseded({ alert, members }: Delivery, record: AcceptedRecord, told: Telling): Settlement {
  const saidSo = record.state === told.state && (members.length > 1 || sameBelief(told, { ...record, atMs: 0 }))
  if (!saidSo) return outcomeOf(alert, record, 'suppressed', 'superseded')
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
