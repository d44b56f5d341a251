/**
 * What is to be done for one receiver of one route now: lets alerts through into incidents, then plans what changed or is due.
 *
 * Whether something is news decides whether a hold is looked for at all; a hold is judged with everything known now, so one that is
 * over, or a mute that was withdrawn, needs no event of its own.
 */
import { type HoldPolicy, holdOf } from '@lapwing/alerting/hold'
import type { IncidentPolicy } from '@lapwing/alerting/incident'
import { type Limits, limitHold } from '@lapwing/alerting/limits'
import type { Mute } from '@lapwing/alerting/mute'
import {
  isNews,
  type Plan,
  planDeliveries,
  type ReceiverPolicy,
  type Reconciled,
  type Telling,
  type Waiting,
} from '@lapwing/alerting/reconcile'
import { compareSeverity } from '@lapwing/alerting/severity'
import type { TrackedAlert } from '@lapwing/alerting/tracked-alert'
import { isQuiet, type SaidVerdict } from '@lapwing/alerting/verdict'
import type { Alert } from '@lapwing/contracts/records'
import { joinIncident } from './join-incident.ts'
import {
  type Incident,
  type Item,
  itemOf,
  latestOfSeries,
  membersOf,
  progressOf,
  type ReceiverBook,
  type RouteAlerts,
} from './route-alerts.ts'

export interface RoutePolicy {
  readonly incident: IncidentPolicy
  /** An incident is first told so long after it opened, so that its first message has everything. */
  readonly groupWaitMs: number
  readonly minimumDurationMs: number
  readonly flappingHoldMs: number
  readonly budget: Limits['budget']
  /** A digest so often; 0 is none. */
  readonly digestMs: number
}

/** The mutes in force. */
export interface Mutes {
  own(): readonly Mute[]
  all(): readonly Mute[]
}

/** A receiver as far as the plan depends on it. */
export interface PlannedReceiver {
  readonly name: string
  readonly policy: ReceiverPolicy
  readonly limits: { readonly rateLimit: Limits['rateLimit'] } | undefined
}

export interface PlanContext {
  readonly receiver: PlannedReceiver
  readonly policy: RoutePolicy
  readonly mutes: Mutes
}

export function planRoute(route: RouteAlerts, context: PlanContext, nowMs: number): Plan {
  const { receiver, policy, mutes } = context
  const letThroughAtMs = letThrough(route, policy, mutes, nowMs)
  const book = route.receivers.get(receiver.name)!
  const plan = planDeliveries(dueItems(route, book, context, nowMs), receiver.policy, nowMs)
  for (const [id, untilMs] of plan.quietUntilMs) book.quietUntilMs.set(id, untilMs)
  let wakeAtMs = letThroughAtMs
  for (const untilMs of book.quietUntilMs.values()) wakeAtMs = Math.min(wakeAtMs, untilMs)
  return { ...plan, wakeAtMs }
}

/** Lets through what nothing holds; the time to look again. */
function letThrough(route: RouteAlerts, policy: RoutePolicy, mutes: Mutes, nowMs: number): number {
  let nextMs = Number.POSITIVE_INFINITY
  for (const [id, atMs] of route.waiting) {
    if (atMs > nowMs) {
      nextMs = Math.min(nextMs, atMs)
      continue
    }
    const tracked = route.alerts.get(id)!
    const said = route.verdictOf(id)
    // What is said anew, or no more, wakes it.
    const untilMs = isQuiet(tracked, said, nowMs)
      ? Number.POSITIVE_INFINITY
      : holdOf(tracked, holdPolicy(policy, mutes.all()), nowMs)?.untilMs
    if (tracked.alert.state !== 'firing') route.waiting.delete(id)
    else if (untilMs === undefined) joinIncident(route, id, policy.incident, nowMs)
    else {
      route.waiting.set(id, untilMs)
      nextMs = Math.min(nextMs, untilMs)
    }
  }
  return nextMs
}

function* dueItems(route: RouteAlerts, book: ReceiverBook, context: PlanContext, nowMs: number): Generator<Reconciled> {
  for (const [id, quietUntilMs] of book.quietUntilMs) {
    if (quietUntilMs > nowMs) continue
    const item = itemOf(route, book.unit, id, { policy: context.policy.incident, nowMs })
    if (item) yield reconciled(route, book, item, context, nowMs)
    else book.quietUntilMs.delete(id)
  }
}

function reconciled(route: RouteAlerts, book: ReceiverBook, item: Item, context: PlanContext, nowMs: number): Reconciled {
  const { tracked, incident } = item
  const progress = progressOf(route, context.receiver.name, tracked.alert.id)
  const { policy, mutes } = context
  const holding = holdPolicy(policy, book.unit === 'alert' ? mutes.own() : mutes.all())
  const holdNow = (): Waiting | undefined =>
    incident ? incidentHold(route, book, { tracked, incident }, context, nowMs) : holdOf(tracked, holding, nowMs)
  return {
    ...{ tracked, progress },
    hold: isNews(tracked.alert, progress) ? holdNow() : undefined,
    continuedAt: incident ? null : continuedAt(route, tracked, holding, nowMs),
    members: incident ? membersOf(route, incident).map(({ alert }) => alert) : [tracked.alert],
    quietedBy: tracked.alert.state === 'resolved' ? quietedBy(route, item, nowMs) : undefined,
  }
}

/** The newest verdict that quiets something of it. */
function quietedBy(route: RouteAlerts, { tracked, incident }: Item, nowMs: number): SaidVerdict | undefined {
  const ids = incident ? [...incident.memberIds] : [tracked.alert.id]
  const said = ids.flatMap((id) => {
    const verdict = route.verdictOf(id)
    return isQuiet(route.alerts.get(id)!, verdict, nowMs) ? [verdict] : []
  })
  return said.reduce<SaidVerdict | undefined>((newest, each) => (newest && newest.atMs >= each.atMs ? newest : each), undefined)
}

function incidentHold(
  route: RouteAlerts,
  book: ReceiverBook,
  { tracked, incident }: { tracked: TrackedAlert; incident: Incident },
  { receiver, policy, mutes }: PlanContext,
  nowMs: number,
): Waiting | undefined {
  const { tellings } = progressOf(route, receiver.name, incident.id)
  const completeAtMs = incident.openedAtMs + policy.groupWaitMs
  if (tellings.length === 0 && completeAtMs > nowMs) return { reason: 'grouping', detail: '', untilMs: completeAtMs }
  const firing = membersOf(route, incident).filter(
    (member) => member.alert.state === 'firing' && !isQuiet(member, route.verdictOf(member.alert.id), nowMs),
  )
  const flapping = reopenHold(tracked.alert, firing, tellings, policy, nowMs)
  // What a person brought back, or only quieted for a time, did not come back by itself.
  if (flapping && !firing.some(({ alert }) => route.verdictOf(alert.id))) return flapping
  const muted = mutedAll(firing, holdPolicy(policy, mutes.all()), nowMs)
  if (muted || !receiver.limits) return muted
  const score = firing.reduce((highest, { alert }) => Math.max(highest, alert.score), 0)
  const { severity } = tracked.alert
  const limits = { budget: policy.budget, rateLimit: receiver.limits.rateLimit }
  return limitHold({ severity, score }, book.sentAtMs, limits, nowMs)
}

/**
 * An incident that comes back right after its end is flapping until it has fired for a while: two messages a cycle would be noise
 * long before the changes of a single series add up. One that is worse than ever told is no flapping.
 */
function reopenHold(
  alert: Alert,
  firing: readonly TrackedAlert[],
  tellings: readonly Telling[],
  { flappingHoldMs }: RoutePolicy,
  nowMs: number,
): Waiting | undefined {
  if (tellings.at(-1)?.state !== 'resolved') return undefined
  if (tellings.every(({ severity }) => compareSeverity(alert.severity, severity) > 0)) return undefined
  const firesSinceMs = firing.reduce((earliest, { alert }) => Math.min(earliest, alert.startedAtMs), Number.POSITIVE_INFINITY)
  const untilMs = firesSinceMs + flappingHoldMs
  return untilMs > nowMs ? { reason: 'flapping', detail: 'it ended a moment ago', untilMs } : undefined
}

/** An incident is muted when every alert of it that fires is: one that is not muted is a reason to tell. */
function mutedAll(firing: readonly TrackedAlert[], policy: HoldPolicy, nowMs: number): Waiting | undefined {
  if (policy.mutes.length === 0) return undefined
  let first: Waiting | undefined
  let untilMs = Number.POSITIVE_INFINITY
  for (const tracked of firing) {
    const hold = holdOf(tracked, policy, nowMs)
    if (hold?.reason !== 'muted') return undefined
    first ??= hold
    untilMs = Math.min(untilMs, hold.untilMs)
  }
  return first && { ...first, untilMs }
}

/** Severity of a later alert of the series that is told too. */
function continuedAt(route: RouteAlerts, tracked: TrackedAlert, policy: HoldPolicy, nowMs: number): Reconciled['continuedAt'] {
  const latest = latestOfSeries(route, tracked.alert.seriesKey)
  if (!latest || latest.alert.id === tracked.alert.id || latest.alert.state !== 'firing') return null
  if (isQuiet(latest, route.verdictOf(latest.alert.id), nowMs)) return null
  return holdOf(latest, policy, nowMs) ? null : latest.alert.severity
}

function holdPolicy({ minimumDurationMs, flappingHoldMs }: RoutePolicy, mutes: readonly Mute[]): HoldPolicy {
  return { mutes, minimumDurationMs, flappingHoldMs }
}
