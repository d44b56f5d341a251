/** The table of docs/security.md as ACLs on a real broker: with them every service does its job, each as a user of its own, and nothing else. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startSlackReceiver } from '@lapwing/alerter/testing/slack-receiver'
import { type TopicName, topicName, topicSpecs } from '@lapwing/contracts/topics'
import { type SecuredBroker, startSecuredBroker } from '@lapwing/kafka-server/testing/secured-broker'
import { encodeWrite, writeHeaders } from '@lapwing/prometheus/remote-write-encoder'
import { loadConfig } from '@lapwing/service/config'
import { createLogger } from '@lapwing/service/logger'
import { type RunningService, runService } from '@lapwing/service/run-service'
import { accessOf } from '@lapwing/stream/kafka-access'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import type { Log } from '@lapwing/stream/log'
import { openKafkaLog } from '@lapwing/stream/service-log'
import { type Grant, grantAll } from '@lapwing/stream/testing/grant'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { allSections } from './start/all-config.ts'
import { services } from './start/one-process.ts'

const prefix = 'lapwing'
const document = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8')

/** Rows of the table: what a service reads, writes, and is called in groups and transactions. */
const rows = services.map(([service]) => {
  const cells = document.match(new RegExp(`^\\| ${service} \\|(.*)\\|$`, 'm'))![1]!.split('|')
  const [reads, writes, groups, ids] = cells.map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!))
  return { service, reads: reads!, writes: writes!, groups: groups!, ids: ids! }
})

function grantsOf({ service, reads, writes, groups, ids }: (typeof rows)[number]): Grant[] {
  const principal = `User:${service}`
  const topic = (name: string) => topicName(prefix, name as TopicName)
  return [
    { principal, on: 'topic', name: `${prefix}.`, prefixed: true, operations: ['describe', 'describeConfigs'] },
    ...reads.map((name): Grant => ({ principal, on: 'topic', name: topic(name), operations: ['read'] })),
    ...writes.map((name): Grant => ({ principal, on: 'topic', name: topic(name), operations: ['write'] })),
    ...groups.map((name): Grant => ({ principal, on: 'group', name: own(name), prefixed: true, operations: ['read'] })),
    ...ids.map((name): Grant => ({ principal, on: 'id', name: own(name), prefixed: true, operations: ['write', 'describe'] })),
  ]
}
const own = (name: string) => name.replace('<prefix>', prefix)
const quiet = { debug: () => {}, warn: () => {}, error: () => {} }

describe.skipIf(!inject('canStartKafka'))('with the ACLs of the documentation', { timeout: 180_000 }, () => {
  let broker: SecuredBroker
  let slack: Awaited<ReturnType<typeof startSlackReceiver>>
  const lines: string[] = []
  const running = new Map<string, RunningService>()
  const loginOf = (username: string) => ({
    tls: { ca_file: join(broker.folder, 'ca.pem') },
    sasl: { mechanism: 'scram-sha-512', username, password: `password of ${username}` } as const,
  })
  const openAs = (username: string): Log => {
    const { tls, sasl } = loginOf(username)
    const access = accessOf({ tls, sasl: { ...sasl, password: { reveal: () => sasl.password } } })
    return createKafkaLog({ brokers: [broker.scram], clientId: 'test', logger: quiet, access })
  }

  beforeAll(async () => {
    const users = ['admin', ...services.map(([name]) => name)].map((name) => [name, `password of ${name}`])
    broker = await startSecuredBroker(Object.fromEntries(users), [])
    slack = await startSlackReceiver()
    const admin = openAs('admin')
    await admin.ensureTopics(topicSpecs(prefix, 1))
    await admin.close()
    const { tls, sasl } = loginOf('admin')
    await grantAll(
      broker.scram,
      accessOf({ tls, sasl: { ...sasl, password: { reveal: () => sasl.password } } }),
      rows.flatMap(grantsOf),
    )
  }, 120_000)

  afterAll(async () => {
    for (const service of running.values()) await service.close()
    await slack?.stop()
    await broker?.stop()
  }, 60_000)

  test('each service does its job, and nothing else', async () => {
    for (const [name, start] of services) {
      const settings = {
        kafka: { brokers: [broker.scram], partitions: 1, ...loginOf(name) },
        alerter: { slack_webhook_url: slack.url },
      }
      const sets = [
        ...Object.entries(settings.kafka).map(([key, value]) => `kafka.${key}=${JSON.stringify(value)}`),
        `alerter.slack_webhook_url=${settings.alerter.slack_webhook_url}`,
        ...services.map(([service]) => `${service}.port=0`),
      ]
      const config = loadConfig(allSections, { environment: {}, sets })
      const logger = createLogger({ name, level: 'warn', output: { write: (line) => void lines.push(line) } })
      const onFail = (error: Error) => void lines.push(`${name} gave up: ${error.message}`)
      const http = { host: '127.0.0.1', port: 0 }
      const service = await runService({
        name,
        config,
        version: 'test',
        logger,
        http,
        onFail,
        start: (context) => start(context, openKafkaLog(context)),
      })
      running.set(name, service)
    }
    for (const [name, { url }] of running) {
      await vi.waitFor(async () => expect((await fetch(`${url}/readyz`)).status, `${name}: ${lines.join('')}`).toBe(200), {
        timeout: 60_000,
        interval: 200,
      })
    }
    await pushSpike(running.get('ingestor')!.url)
    await vi.waitFor(() => expect(slack.taken(), lines.join('')).not.toHaveLength(0), { timeout: 60_000, interval: 200 })
    expect(lines.filter((line) => /gave up|unauthorised|authoriz/i.test(line))).toEqual([])
  })

  test.each([
    ['ingestor', 'anomalies'],
    ['detector', 'feedback'],
    ['drift', 'anomalies'],
    ['reporter', 'samples'],
  ] as const)('%s may not write %s', async (user, topic) => {
    const log = openAs(user)
    const producer = await log.producer()
    const sending = producer.send([{ topic: topicName(prefix, topic), partition: 0, key: null, value: Buffer.from('forged') }])
    await expect(sending).rejects.toMatchObject({ code: 'unauthorised' })
    await log.close()
  })
})

const minuteMs = 60_000

/** Six calm hours, then three values far away. */
async function pushSpike(ingestor: string): Promise<void> {
  const labels = [
    { name: '__name__', value: 'load' },
    { name: 'instance', value: 'a:9100' },
  ]
  const push = async (timestampsMs: number[], values: number[]) => {
    const body = encodeWrite([{ labels, timestampsMs, values, flags: values.map(() => 0) }])
    const { status } = await fetch(`${ingestor}/api/v1/write`, { method: 'POST', headers: writeHeaders, body })
    expect(status).toBe(204)
  }
  const nowMs = Date.now()
  const calm = Array.from({ length: 360 }, (_, i) => nowMs - (369 - i) * minuteMs)
  await push(
    calm,
    calm.map((_, i) => 10 + Math.sin(i * 1.7) + Math.cos(i * 0.9)),
  )
  for (const [i, value] of [500, 510, 520].entries()) await push([nowMs - (3 - i) * 1000], [value])
}
