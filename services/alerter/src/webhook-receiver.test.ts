import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { flappingPolicy } from '@lapwing/alerting/flapping'
import type { Delivery } from '@lapwing/alerting/reconcile'
import { Secret } from '@lapwing/service/config-fields'
import { afterEach, describe, expect, test } from 'vitest'
import { anomalyRecord } from '../testing/anomalies.ts'
import { decideAlert } from './decide-alert.ts'
import { createWebhookReceiver } from './webhook-receiver.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const { alert } = decideAlert(anomalyRecord({}), undefined, { minimumSeverity: 'warning', flapping: flappingPolicy(3_600_000) })
const delivery: Delivery = {
  ...{ alert, members: [alert], records: [], attempt: 1, repeated: false },
  tellings: [{ state: 'firing', severity: 'warning', atMs: 1 }],
  ...{ continuedAt: null, quietedBy: undefined, messageRef: '' },
}
const pods = [{ atMs: Date.parse('2026-01-05T09:57:00Z'), when: '3 min before', text: 'Pod shop/cart-1: not ready' }]

/** An endpoint that answers with this status, and a receiver that posts to it. */
async function receiverOn(status: number) {
  const posted: { headers: IncomingHttpHeaders; body: string }[] = []
  const server = createServer(async (request, reply) => {
    const chunks = await request.toArray()
    posted.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
    reply.writeHead(status).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => new Promise((resolve) => server.close(() => resolve())))
  const receiver = createWebhookReceiver({
    ...{ name: 'hook', pageUrl: 'http://page', rateLimit: undefined, timeoutMs: 10_000 },
    webhookUrl: new Secret(`http://127.0.0.1:${(server.address() as AddressInfo).port}/lapwing`),
    podsOf: (series) => (series.length === 1 ? pods : []),
  })
  closers.push(async () => receiver.close())
  return { receiver, posted }
}

describe('a webhook', () => {
  test('gets the incident as a CloudEvent in structured mode, with what happened to its pods', async () => {
    const { receiver, posted } = await receiverOn(202)
    expect(await receiver.deliver([delivery], AbortSignal.timeout(10_000))).toEqual([undefined])
    expect(posted).toHaveLength(1)
    expect(posted[0]!.headers['content-type']).toBe('application/cloudevents+json')
    expect(JSON.parse(posted[0]!.body)).toMatchObject({
      ...{ specversion: '1.0', type: 'io.lapwing.incident.firing', subject: 'episode-1' },
      data: { pods: [{ time: '2026-01-05T09:57:00.000Z', when: '3 min before', text: 'Pod shop/cart-1: not ready' }] },
    })
  })

  test('that will not take it is told by name', async () => {
    const { receiver } = await receiverOn(400)
    expect(await receiver.deliver([delivery], AbortSignal.timeout(10_000))).toMatchObject([{ code: 'refused' }])
  })
})
