/**
 * The alerter on one core, without a log and without receivers that answer.
 *
 * `alerting/decide`: anomaly records from bytes through both stages: decision, alert record, what is remembered of series and
 * alert as snapshots, and a plan per hundred records as the loop makes them. Episodes of 10,000 series on 500 machines, opened, made
 * worse and resolved. `alerting/plan-idle`: a plan for 50,000 open alerts of which nothing is due. `alerting/open-alerts`: what those
 * alerts, their 2,500 incidents and the progress of two receivers, one of each kind, hold of the heap.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { flappingPolicy } from '@lapwing/alerting/flapping'
import { afterDelivered, settle } from '@lapwing/alerting/reconcile'
import { decode, encode } from '@lapwing/contracts/codec'
import type { Anomaly } from '@lapwing/contracts/records'
import type { LogRecord } from '@lapwing/stream/log'
import { type Benches, callsPerCpuSecond, type Figure } from '../../../bench/figure.ts'
import { anomalyRecord } from '../testing/anomalies.ts'
import { noMutes, routePolicy } from '../testing/routes.ts'
import { encodeTracked } from './alert-state.ts'
import { alerterSchema } from './config.ts'
import { acceptAlert, emptyRoute, forget, progressOf, type RouteAlerts, setProgress } from './route-alerts.ts'
import { routingTree } from './route-config.ts'
import { planRoute } from './route-plan.ts'
import { createSeriesStep } from './series-step.ts'

export const benches: Benches = {
  'alerting/decide': recordsPerSecond,
  'alerting/plan-idle': idlePlanMs,
  'alerting/open-alerts': openAlertsMb,
}

const seriesCount = 10_000
const seriesPerMachine = 20
const openAlerts = 50_000
const recordsPerPlan = 100
const minuteMs = 60_000
const receivers = [
  { name: 'slack', unit: 'incident' },
  { name: 'alertmanager', unit: 'alert' },
] as const
const slack = { resendMs: null, resendResolvedForMs: 0, spacingMs: 0, batchSize: 1000 }

function recordsPerSecond(): Figure {
  const decide = createSeriesStep(
    {
      policy: { minimumSeverity: 'warning', flapping: flappingPolicy(60 * minuteMs) },
      route: routingTree(alerterSchema.parse({}).route),
      ...{ partition: 0, partitions: 1, alertsTopic: 'alerts', stateTopic: 'state' },
    },
    new Map(),
  )
  const route = emptyRoute([{ name: 'slack', unit: 'incident' }])
  let round = 0
  const value = callsPerCpuSecond(() => {
    const episodes = round++ * seriesCount
    let records = 0
    for (const state of ['open', 'escalated', 'resolved'] as const) {
      for (let series = 0; series < seriesCount; series++) {
        const bytes = encodedAnomaly(series, episodes + series, state)
        decide.process(bytes, ({ topic, value }) => {
          if (topic !== 'alerts') return
          const { alertIds } = acceptAlert(route, decode('Alert', value!), { offset: records, writtenAtMs: 0 })
          for (const id of alertIds) encodeTracked(route.alerts.get(id)!)
        })
        if (++records % recordsPerPlan === 0) tellAll(route, 'slack', Date.parse('2026-01-05T10:10:00Z'))
      }
    }
    for (const id of [...route.alerts.keys()]) forget(route, id)
    return records
  })
  return { bench: 'alerting/decide', value: Math.round(value), unit: 'records/s' }
}

function idlePlanMs(): Figure {
  const route = routeOfOpenAlerts()
  const nowMs = Date.parse('2026-01-05T10:10:00Z')
  const plansPerSecond = callsPerCpuSecond(() => {
    if (planRoute(route, contextOf('alertmanager'), nowMs).deliveries.length > 0) throw new Error('nothing should be due')
    return 1
  })
  return { bench: 'alerting/plan-idle', value: Number((1000 / plansPerSecond).toFixed(3)), unit: 'ms' }
}

function openAlertsMb(): Figure {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = process.memoryUsage()
  const route = routeOfOpenAlerts()
  collect()
  const after = process.memoryUsage()
  const bytes = after.heapUsed + after.external - before.heapUsed - before.external
  if (route.alerts.size !== openAlerts) throw new Error(`${route.alerts.size} alerts`)
  return { bench: 'alerting/open-alerts', value: Math.round(bytes / 1e6), unit: 'MB per 50,000' }
}

/** Each accepted, let through, and told to two receivers. */
function routeOfOpenAlerts(): RouteAlerts {
  const route = emptyRoute(receivers)
  const decide = createSeriesStep(
    {
      policy: { minimumSeverity: 'warning', flapping: flappingPolicy(60 * minuteMs) },
      route: routingTree(alerterSchema.parse({}).route),
      ...{ partition: 0, partitions: 1, alertsTopic: 'alerts', stateTopic: 'state' },
    },
    new Map(),
  )
  for (let i = 0; i < openAlerts; i++) {
    decide.process(encodedAnomaly(i, i, 'open'), ({ topic, value }) => {
      if (topic === 'alerts') acceptAlert(route, decode('Alert', value!), { offset: i, writtenAtMs: 0 })
    })
  }
  for (const { name } of receivers) tellAll(route, name, Date.parse('2026-01-05T10:10:00Z'))
  return route
}

function tellAll(route: RouteAlerts, name: string, nowMs: number): void {
  for (;;) {
    const { deliveries, settlements } = planRoute(route, contextOf(name), nowMs)
    for (const settlement of settlements) {
      const { id } = settlement.alert
      setProgress(route, name, id, settle(progressOf(route, name, id), [settlement]))
    }
    for (const delivery of deliveries) {
      const { id } = delivery.alert
      setProgress(route, name, id, afterDelivered(progressOf(route, name, id), delivery, nowMs).progress)
    }
    if (deliveries.length === 0) return
  }
}

function contextOf(name: string) {
  return { receiver: { name, policy: slack, limits: undefined }, policy: routePolicy, mutes: noMutes }
}

function encodedAnomaly(series: number, episode: number, state: Anomaly['state']): LogRecord {
  const startedAtMs = Date.parse('2026-01-05T10:00:00Z') + episode
  const anomaly = anomalyRecord({
    ...{ id: `${episode}/${state}`, episodeId: String(episode), seriesKey: `series-${series}`, state, startedAtMs },
    entityKey: `machine-${Math.floor(series / seriesPerMachine)}`,
    severity: state === 'open' ? 'warning' : 'critical',
    endedAtMs: state === 'resolved' ? startedAtMs + minuteMs : null,
    labels: [
      { name: '__name__', value: 'node_load1' },
      { name: 'instance', value: `node-${Math.floor(series / seriesPerMachine)}:9100` },
      { name: 'job', value: 'node' },
      { name: 'device', value: `disk-${series % seriesPerMachine}` },
    ],
  })
  return {
    ...{ topic: 'anomalies', partition: 0, offset: BigInt(episode), timestampMs: 0, key: null },
    value: encode('Anomaly', anomaly),
    headers: new Map(),
  }
}
