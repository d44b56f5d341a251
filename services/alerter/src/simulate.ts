/**
 * What people would be told, if these anomaly records came with this configuration: the real decisions, on a clock made of the
 * records' times, with a receiver per route that takes everything at once.
 *
 * Between two records the clock stops wherever a plan asked to be looked at again, so holds end when they would. After the last it
 * runs on for `afterwardsMs`.
 */
import type { RecordOutcome } from '@lapwing/alerting/conservation'
import { matchedLabels } from '@lapwing/alerting/hold'
import { type Limits, withSent } from '@lapwing/alerting/limits'
import {
  afterDelivered,
  afterHeld,
  type Delivery,
  type ReceiverPolicy,
  type Settlement,
  settle,
} from '@lapwing/alerting/reconcile'
import { type Route, routesFor } from '@lapwing/alerting/routing'
import type { Anomaly, Severity } from '@lapwing/contracts/records'
import { type DecisionPolicy, decideAlert, type SeriesState } from './decide-alert.ts'
import { acceptAlert, emptyRoute, pendingCount, progressOf, type RouteAlerts, setProgress } from './route-alerts.ts'
import { type Mutes, type PlanContext, planRoute, type RoutePolicy } from './route-plan.ts'

export interface SimulatedSetup {
  readonly decision: DecisionPolicy
  readonly tree: Route
  policyOf(route: string): RoutePolicy
  readonly rateLimit: Limits['rateLimit']
  readonly mutes: Mutes
  readonly afterwardsMs: number
}

export interface SimulatedMessage {
  readonly atMs: number
  readonly route: string
  readonly incident: string
  readonly state: 'firing' | 'resolved'
  readonly severity: Severity
  readonly metric: string
  /** Ids of the episodes that it stands for. */
  readonly episodes: readonly string[]
}

export interface Simulated {
  readonly messages: readonly SimulatedMessage[]
  /** Of every record, per route. */
  readonly outcomes: readonly (RecordOutcome & { readonly reason: string })[]
  /** Records without an outcome at the end. */
  readonly pending: number
}

const receiver = 'people'
const policy: ReceiverPolicy = { resendMs: null, resendResolvedForMs: 0, spacingMs: 0, batchSize: 1 }

interface SimulatedRoute {
  readonly name: string
  readonly alerts: RouteAlerts
  readonly context: PlanContext
  wakeAtMs: number
}

/** @param anomalies in the order in which they come; the clock does not go back */
export function simulate(anomalies: Iterable<Anomaly>, setup: SimulatedSetup): Simulated {
  const series = new Map<string, SeriesState & { readonly routes: readonly string[] }>()
  const routes = new Map<string, SimulatedRoute>()
  const messages: SimulatedMessage[] = []
  const settlements: Settlement[] = []
  let nowMs = Number.NEGATIVE_INFINITY
  const runTo = (untilMs: number) => {
    for (const route of routes.values()) {
      while (route.wakeAtMs <= untilMs) tellAll(route, Math.max(route.wakeAtMs, nowMs), { setup, messages, settlements })
    }
    nowMs = Math.max(nowMs, untilMs)
  }
  for (const anomaly of anomalies) {
    runTo(anomaly.observedAtMs)
    const before = series.get(anomaly.seriesKey)
    const { state, alert } = decideAlert(anomaly, before, setup.decision)
    const taken = routesFor(setup.tree, matchedLabels(alert)).map(({ name }) => name)
    const names = before?.episode.id === alert.id ? new Set([...before.routes, ...taken]) : new Set(taken)
    series.set(anomaly.seriesKey, { ...state, routes: [...names] })
    for (const name of names) {
      const route = routes.get(name) ?? newRoute(name, setup)
      routes.set(name, route)
      acceptAlert(route.alerts, { ...alert, route: name }, { offset: 0, writtenAtMs: nowMs })
      tellAll(route, nowMs, { setup, messages, settlements })
    }
  }
  runTo(nowMs + setup.afterwardsMs)
  messages.sort((a, b) => a.atMs - b.atMs)
  const outcomes = settlements.map(({ record, outcome, reason }) => ({ recordId: record.id, outcome, reason }))
  const pending = [...routes.values()].reduce((sum, { alerts }) => sum + pendingCount(alerts, receiver), 0)
  return { messages, outcomes, pending }
}

function newRoute(name: string, setup: SimulatedSetup): SimulatedRoute {
  const limits = { rateLimit: setup.rateLimit }
  return {
    name,
    alerts: emptyRoute([{ name: receiver, unit: 'incident' }]),
    context: { receiver: { name: receiver, policy, limits }, policy: setup.policyOf(name), mutes: setup.mutes },
    wakeAtMs: Number.POSITIVE_INFINITY,
  }
}

interface Told {
  readonly setup: SimulatedSetup
  readonly messages: SimulatedMessage[]
  readonly settlements: Settlement[]
}

/** Everything that is due at this moment; then the route sleeps. */
function tellAll(route: SimulatedRoute, nowMs: number, told: Told): void {
  for (;;) {
    const plan = planRoute(route.alerts, route.context, nowMs)
    for (const settlement of plan.settlements) {
      const { id } = settlement.alert
      setProgress(route.alerts, receiver, id, settle(progressOf(route.alerts, receiver, id), [settlement]))
    }
    told.settlements.push(...plan.settlements)
    for (const held of plan.held) {
      setProgress(route.alerts, receiver, held.alert.id, afterHeld(progressOf(route.alerts, receiver, held.alert.id), held))
    }
    for (const delivery of plan.deliveries) tell(route, delivery, nowMs, told)
    route.wakeAtMs = plan.wakeAtMs
    if (plan.deliveries.length + plan.settlements.length + plan.held.length === 0) return
  }
}

function tell(route: SimulatedRoute, delivery: Delivery, nowMs: number, { setup, messages, settlements }: Told): void {
  const { alert, members } = delivery
  const answered = afterDelivered(progressOf(route.alerts, receiver, alert.id), delivery, nowMs)
  setProgress(route.alerts, receiver, alert.id, answered.progress)
  settlements.push(...answered.settlements)
  const book = route.alerts.receivers.get(receiver)!
  book.sentAtMs = withSent(book.sentAtMs, nowMs, { budget: route.context.policy.budget, rateLimit: setup.rateLimit })
  messages.push({
    ...{ atMs: nowMs, route: route.name, incident: alert.id, severity: alert.severity, metric: alert.metric },
    state: alert.state === 'resolved' ? 'resolved' : 'firing',
    episodes: members.map(({ id }) => id),
  })
}
