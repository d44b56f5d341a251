/** Ten thousand alerts on as many machines come while the breaker of a receiver is open: none is lost, the worst is told first. */
import { conservationBreaches, type RecordOutcome } from '@lapwing/alerting/conservation'
import { afterDelivered, afterFailedAttempt, beforeDelivery, type ReceiverPolicy } from '@lapwing/alerting/reconcile'
import { compareSeverity } from '@lapwing/alerting/severity'
import type { Severity } from '@lapwing/contracts/records'
import { describe, expect, test } from 'vitest'
import { anomalyRecord } from '../testing/anomalies.ts'
import { noMutes, routePolicy } from '../testing/routes.ts'
import { decideAlert } from './decide-alert.ts'
import { acceptAlert, emptyRoute, pendingCount, progressOf, setProgress } from './route-alerts.ts'
import { planRoute } from './route-plan.ts'

const machines = 10_000
const policy: ReceiverPolicy = { resendMs: null, resendResolvedForMs: 0, spacingMs: 0, batchSize: 2500 }
const context = { receiver: { name: 'hook', policy, limits: undefined }, policy: routePolicy, mutes: noMutes }
const decision = {
  minimumSeverity: 'warning',
  flapping: { slots: 20, slotMs: 60_000, startRatio: 0.5, stopRatio: 0.25 },
} as const

describe('a flood at an open breaker', () => {
  const route = emptyRoute([{ name: 'hook', unit: 'incident' }])
  const accepted: string[] = []
  for (let i = 0; i < machines; i++) {
    const own = { id: `a${i}/1`, episodeId: `a${i}`, seriesKey: `s${i}`, severity: i % 3 === 0 ? 'critical' : 'warning' } as const
    const anomaly = anomalyRecord({ ...own, labels: [{ name: 'instance', value: `node-${i}` }] })
    acceptAlert(route, decideAlert(anomaly, undefined, decision).alert, { offset: i, writtenAtMs: 0 })
    accepted.push(anomaly.id)
  }
  const nowMs = anomalyRecord({}).observedAtMs

  test('waits, all of it', () => {
    for (let round = 0; round < 3; round++) {
      for (const delivery of planRoute(route, context, nowMs + round).deliveries) {
        const before = progressOf(route, 'hook', delivery.alert.id)
        const failed = { code: 'breaker_open', attempted: before.attempted, alertMayBeAtFault: false, chance: 0.5 }
        setProgress(route, 'hook', delivery.alert.id, afterFailedAttempt(before, nowMs, failed))
      }
    }
    expect(pendingCount(route, 'hook')).toBe(machines)
  })

  test('is told when the breaker closes, the critical first, and every record has one outcome', () => {
    const told: Severity[] = []
    const outcomes: RecordOutcome[] = []
    for (;;) {
      const { deliveries } = planRoute(route, context, nowMs + 60_000)
      if (deliveries.length === 0) break
      for (const delivery of deliveries) {
        const before = progressOf(route, 'hook', delivery.alert.id)
        setProgress(route, 'hook', delivery.alert.id, beforeDelivery(before, delivery))
        const { progress, settlements } = afterDelivered(before, delivery, nowMs + 60_000)
        setProgress(route, 'hook', delivery.alert.id, progress)
        told.push(delivery.alert.severity)
        outcomes.push(...settlements.map(({ record, outcome }) => ({ recordId: record.id, outcome })))
      }
    }
    expect(told).toHaveLength(machines)
    expect(told.every((severity, i) => i === 0 || compareSeverity(told[i - 1]!, severity) >= 0)).toBe(true)
    expect(conservationBreaches(accepted, outcomes, [])).toEqual([])
    expect(pendingCount(route, 'hook')).toBe(0)
  })
})
