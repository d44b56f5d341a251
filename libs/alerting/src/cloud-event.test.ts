import { expect, test } from 'vitest'
import { alertRecord } from '../testing/alert.ts'
import { cloudEvent } from './cloud-event.ts'
import type { Delivery } from './reconcile.ts'

const delivery = (differences: Partial<Delivery> = {}): Delivery => ({
  alert: alertRecord(),
  tellings: [{ state: 'firing', severity: 'warning', atMs: 1 }],
  members: [alertRecord()],
  ...{ repeated: false, continuedAt: null, quietedBy: undefined, messageRef: '', records: [], attempt: 1 },
  ...differences,
})

test('an incident is a CloudEvent with all its required attributes', () => {
  expect(cloudEvent(delivery(), 'http://page', [])).toMatchObject({
    specversion: '1.0',
    id: 'episode-1/1/firing/warning',
    source: '/lapwing/routes/default',
    type: 'io.lapwing.incident.firing',
    subject: 'episode-1',
    time: '2026-01-05T10:01:00.000Z',
    data: { incident: 'episode-1', severity: 'warning', members: 1, causes: [{ metric: 'node_load1', value: 12.5 }] },
  })
})

test('the same state sent again has the same id, another state has another', () => {
  const idOf = (event: object) => (event as { id: string }).id
  const again = idOf(cloudEvent(delivery({ attempt: 2 }), 'http://page', []))
  const ended = delivery({ alert: alertRecord({ state: 'resolved', endedAtMs: 5 }) })
  expect(again).toBe(idOf(cloudEvent(delivery(), 'http://page', [])))
  expect(idOf(cloudEvent(ended, 'http://page', []))).not.toBe(again)
})

test('one that a person quieted says who, and why', () => {
  const said = { verdict: 'false_alarm', author: 'ann', comment: 'backup', origin: 'slack', atMs: 5, untilMs: null } as const
  const quiet = delivery({ alert: alertRecord({ state: 'resolved', endedAtMs: 5 }), quietedBy: said })
  expect(cloudEvent(quiet, 'http://page', [])).toMatchObject({
    data: { quietedBy: { verdict: 'false_alarm', author: 'ann', comment: 'backup' } },
  })
})

test('what happened to the pods stands in it, with the time of the cluster', () => {
  const pods = [{ atMs: Date.parse('2026-01-05T09:57:00Z'), when: '3 min before', text: 'Pod shop/cart-1: not ready' }]
  expect(cloudEvent(delivery(), 'http://page', pods)).toMatchObject({
    data: { pods: [{ time: '2026-01-05T09:57:00.000Z', when: '3 min before', text: 'Pod shop/cart-1: not ready' }] },
  })
  expect(cloudEvent(delivery(), 'http://page', [])).toMatchObject({ data: { pods: [] } })
})
