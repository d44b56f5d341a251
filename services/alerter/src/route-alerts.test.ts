import { noProgress, type ReceiverPolicy } from '@lapwing/alerting/reconcile'
import { accept } from '@lapwing/alerting/tracked-alert'
import type { Alert } from '@lapwing/contracts/records'
import { describe, expect, test } from 'vitest'
import { anomalyRecord } from '../testing/anomalies.ts'
import { routePolicy } from '../testing/routes.ts'
import type { Committer } from './committer.ts'
import { decideAlert } from './decide-alert.ts'
import type { Receiver } from './receiver.ts'
import {
  acceptAlert,
  emptyRoute,
  latestOfSeries,
  pendingCount,
  progressOf,
  pruneRecords,
  type RouteAlerts,
  restoreAlerts,
  setProgress,
} from './route-alerts.ts'
import { forgetFinished } from './route-memory.ts'

const hourMs = 3_600_000
const place = { offset: 0, writtenAtMs: 0 }
const policy: ReceiverPolicy = { resendMs: null, resendResolvedForMs: 0, spacingMs: 0, batchSize: 1 }
const slack = { name: 'slack', unit: 'alert', policy } as Receiver
const decisionPolicy = {
  minimumSeverity: 'warning',
  flapping: { slots: 20, slotMs: 60_000, startRatio: 0.5, stopRatio: 0.25 },
} as const
const first = anomalyRecord({})

const alertOf = (differences: Partial<Alert> = {}): Alert => ({
  ...decideAlert(first, undefined, decisionPolicy).alert,
  ...differences,
})
const later = alertOf({ id: 'episode-2', recordId: 'later', startedAtMs: first.startedAtMs + hourMs })
const resolved = alertOf({ recordId: 'resolved', state: 'resolved', endedAtMs: first.startedAtMs + 1000 })
const statesOf = (route: RouteAlerts) => [...route.alerts.values()].map(({ alert }) => `${alert.id} ${alert.state}`)

describe('the alerts of a series', () => {
  test.each([
    ['in order', [alertOf(), later]],
    ['the later one first', [later, alertOf()]],
  ])('end where the next one begins, records %s', (_, alerts) => {
    const route = emptyRoute([slack])
    const taken = alerts.map((alert) => acceptAlert(route, alert, place))
    expect(statesOf(route).sort()).toEqual(['episode-1 resolved', 'episode-2 firing'])
    expect(taken.map(({ records }) => records)).toEqual([1, 2])
    expect(taken[1]!.alertIds).toContain('episode-1')
  })

  test('know of the latest one', () => {
    const route = emptyRoute([slack])
    for (const alert of [alertOf(), later]) acceptAlert(route, alert, place)
    expect(latestOfSeries(route, first.seriesKey)?.alert.id).toBe('episode-2')
  })

  test('are ended again when only one of two snapshots survived', () => {
    const route = emptyRoute([slack])
    restoreAlerts(
      route,
      [alertOf(), later].map((alert) => accept(alert, place, undefined)),
    )
    expect(statesOf(route)).toEqual(['episode-1 resolved', 'episode-2 firing'])
  })
})

test('a record that comes again is written again and counted once', () => {
  const route = emptyRoute([slack])
  acceptAlert(route, alertOf(), place)
  expect(acceptAlert(route, alertOf(), place)).toEqual({ alertIds: ['episode-1'], records: 0 })
  expect(pendingCount(route, 'slack')).toBe(1)
})

describe('an alert that is over', () => {
  const settled = ['anomaly-1', 'resolved']
  const overRoute = () => {
    const route = emptyRoute([slack])
    for (const alert of [alertOf(), resolved]) acceptAlert(route, alert, place)
    setProgress(route, 'slack', 'episode-1', { ...noProgress, settled })
    return route
  }
  const committer = (during: () => void = () => {}) => {
    const keys: string[] = []
    const commit: Committer['commit'] = async (records) => {
      keys.push(...records.map(({ key }) => Buffer.from(key ?? []).toString()))
      during()
    }
    return { keys, commit, close: async () => {} }
  }
  const forgetAt = (route: RouteAlerts, one: Pick<Committer, 'commit'>, nowMs: number) =>
    forgetFinished(
      route,
      { topic: 't', partition: 0, route: 'default' },
      { receivers: [slack], incident: routePolicy.incident },
      { committer: one, nowMs },
    )
  const longAfterMs = first.startedAtMs + 2 * hourMs

  test('is forgotten an hour later, on the log too, with the progress of receivers that are switched off', async () => {
    const route = overRoute()
    route.formerReceivers.add('pager')
    const one = committer()
    await forgetAt(route, one, first.startedAtMs + hourMs)
    expect(one.keys).toEqual([])
    await forgetAt(route, one, longAfterMs)
    expect(one.keys).toEqual(['alert/episode-1', 'progress/slack/episode-1', 'progress/pager/episode-1'])
    expect([route.alerts.size, route.bySeries.size, route.receivers.get('slack')!.progress.size]).toEqual([0, 0, 0])
  })

  test('is kept while a receiver has something before it', async () => {
    const route = overRoute()
    setProgress(route, 'slack', 'episode-1', { ...noProgress, settled: ['anomaly-1'] })
    await forgetAt(route, committer(), longAfterMs)
    expect(route.alerts.size).toBe(1)
  })

  test('is kept when a record comes while it is being forgotten', async () => {
    const route = overRoute()
    await forgetAt(
      route,
      committer(() => acceptAlert(route, alertOf({ recordId: 'late' }), place)),
      longAfterMs,
    )
    expect(pendingCount(route, 'slack')).toBe(1)
  })
})

test('what is remembered of settled records is bounded', () => {
  const route = emptyRoute([slack])
  for (let i = 0; i < 150; i++) acceptAlert(route, alertOf({ recordId: `r${i}` }), place)
  setProgress(route, 'slack', 'episode-1', { ...noProgress, settled: Array.from({ length: 150 }, (_, i) => `r${i}`) })
  pruneRecords(route)
  expect(route.alerts.get('episode-1')!.records).toHaveLength(100)
  expect(progressOf(route, 'slack', 'episode-1').settled).toHaveLength(100)
})
