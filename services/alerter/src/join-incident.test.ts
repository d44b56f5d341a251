import { noProgress, type ReceiverPolicy } from '@lapwing/alerting/reconcile'
import { expect, test } from 'vitest'
import { anomalyRecord } from '../testing/anomalies.ts'
import { routePolicy } from '../testing/routes.ts'
import type { Committer } from './committer.ts'
import { decideAlert } from './decide-alert.ts'
import { joinIncident } from './join-incident.ts'
import type { Receiver } from './receiver.ts'
import { acceptAlert, emptyRoute, type RouteAlerts, setProgress } from './route-alerts.ts'
import { forgetFinished, restoreRoute } from './route-memory.ts'

const dayMs = 86_400_000
const policy: ReceiverPolicy = { resendMs: null, resendResolvedForMs: 0, spacingMs: 0, batchSize: 1 }
const slack = { name: 'slack', unit: 'incident', policy } as Receiver
const members = { receivers: [slack], incident: routePolicy.incident }
const decisionPolicy = {
  minimumSeverity: 'warning',
  flapping: { slots: 20, slotMs: 180_000, startRatio: 0.5, stopRatio: 0.25 },
} as const

function fallIll(route: RouteAlerts, machine: string, day: number): string {
  const startedAtMs = (1000 + day) * dayMs
  const episodeId = `${machine}-${day}`
  const labels = [{ name: 'instance', value: machine }]
  const own = { id: `${episodeId}/1`, episodeId, seriesKey: machine, labels, startedAtMs, observedAtMs: startedAtMs }
  acceptAlert(route, decideAlert(anomalyRecord(own), undefined, decisionPolicy).alert, { offset: 0, writtenAtMs: 0 })
  joinIncident(route, episodeId, routePolicy.incident, startedAtMs)
  return route.incidentOf.get(episodeId)!
}

test('when topologies fell ill is known to the next process, and forgotten of the one that was ill longest ago', async () => {
  const route = emptyRoute([slack])
  for (const day of [0, 1, 2]) for (const machine of ['db', 'shop']) fallIll(route, machine, day)
  for (let i = 0; i < 1998; i++) fallIll(route, `other-${i}`, 2)
  expect(route.startsOfKey.size).toBe(2000)
  for (const id of route.alerts.keys()) setProgress(route, 'slack', id, noProgress)

  const log = new Map<string, Uint8Array>()
  const commit: Committer['commit'] = async (records) => {
    for (const { key, value } of records) {
      if (value) log.set(Buffer.from(key!).toString(), value)
      else log.delete(Buffer.from(key!).toString())
    }
  }
  const place = { topic: 't', partition: 0, route: 'default' }
  await forgetFinished(route, place, members, { committer: { commit }, nowMs: 0 })
  const next = restoreRoute(log, 'default', members, (key, error) => expect.fail(`${key}: ${error.message}`))
  expect(next.startsOfKey.size).toBe(2000)
  expect(fallIll(next, 'db', 3)).toBe('db-3')
  expect(fallIll(next, 'shop', 3)).toBe('db-3')
  fallIll(next, 'one-more', 3)
  expect([next.startsOfKey.size, next.startsOfKey.has(JSON.stringify(['other-0']))]).toEqual([2000, false])
})
