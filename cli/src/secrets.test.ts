/**
 * A canary in every place of the configuration where a secret may stand, all services started with it at the most talkative level of the log, and made to fail:
 * none of it may be seen in a log, in metrics, or in any answer. And who shows no credentials writes nothing anywhere.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { anomalyRecord } from '@lapwing/alerter/testing/anomalies'
import { encode } from '@lapwing/contracts/codec'
import { topicName } from '@lapwing/contracts/topics'
import { loadConfig } from '@lapwing/service/config'
import { createLogger } from '@lapwing/service/logger'
import { type RunningService, runService } from '@lapwing/service/run-service'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allSections } from './start/all-config.ts'
import { services } from './start/one-process.ts'

const canary = (place: string) => `canary-${place}-5f3a`
const lines: string[] = []
const running: RunningService[] = []
/** Routes that take anything but GET and HEAD, by service. */
const writes: { readonly service: string; readonly url: string; readonly method: string; readonly path: string }[] = []
const log = createInProcessLog()
/** A Prometheus that refuses, and says back what it was shown. */
const refusing = createServer((request, response) => {
  response.writeHead(401).end(JSON.stringify({ status: 'error', error: `no: ${request.headers.authorization} ${request.url}` }))
})

function settings(refusingUrl: string): string[] {
  const hook = (place: string) => `${refusingUrl}/services/${canary(place)}`
  const values: Record<string, unknown> = {
    'kafka.sasl': { username: 'lapwing', password: canary('kafka') },
    'ingestor.prometheus_url': refusingUrl,
    'ingestor.metrics': ['up'],
    'ingestor.prometheus_access': { basic_auth: { username: 'u', password: canary('prometheus') } },
    'ingestor.remote_write': {
      bearer_token: canary('write'),
      credentials: [{ name: 'shop', basic_auth: { username: 'shop', password: canary('write-basic') } }],
    },
    'alerter.slack_webhook_url': hook('slack'),
    'alerter.slack_signing_secret': canary('signing'),
    'alerter.feedback_token': canary('feedback'),
    'reporter.postgres_url': `postgres://u:${canary('postgres')}@127.0.0.1:1/lapwing`,
    'reporter.tokens': [{ name: 'ann', token: canary('reporter'), scopes: ['read', 'write'] }],
    'alerter.receivers': [{ name: 'team', slack_webhook_url: hook('team') }],
  }
  return [
    ...services.map(([name]) => `${name}.port=0`),
    'log.level=trace',
    ...Object.entries(values).map(([key, value]) => `${key}=${JSON.stringify(value)}`),
  ]
}

beforeAll(async () => {
  refusing.listen(0, '127.0.0.1')
  await once(refusing, 'listening')
  const sets = settings(`http://127.0.0.1:${(refusing.address() as AddressInfo).port}`)
  const config = loadConfig(allSections, { environment: {}, sets })
  for (const [name, start] of services) {
    const found: { method: string; path: string }[] = []
    const service = await runService({
      name,
      config,
      version: 'test',
      logger: createLogger({ name, level: 'trace', output: { write: (line) => void lines.push(line) } }),
      http: { host: '127.0.0.1', port: 0 },
      onFail: (error) => void lines.push(inspect(error, { depth: 10 })),
      start: async (context) => {
        context.http.addHook('onRoute', ({ method, url }) => {
          for (const one of [method].flat()) if (!['GET', 'HEAD', 'OPTIONS'].includes(one)) found.push({ method: one, path: url })
        })
        context.logger.trace({ config: context.config }, 'the configuration')
        await start(context, log)
      },
    })
    running.push(service)
    writes.push(...found.map((route) => ({ service: name, url: service.url, ...route })))
  }
}, 60_000)

afterAll(async () => {
  for (const service of running) await service.close()
  await log.close()
  refusing.close()
})

test('nobody who shows no credentials, or wrong ones, writes anything', async () => {
  expect(writes.map(({ service }) => service)).toEqual(expect.arrayContaining(['ingestor', 'alerter']))
  expect(writes.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['/api/v1/anomalies/:episodeId/verdict', '/api/v1/models/:modelId/change']),
  )
  for (const { service, url, method, path } of writes) {
    // It writes nothing: it takes a token and gives a cookie, or takes the cookie back.
    if (path === '/api/v1/session') continue
    for (const authorization of [undefined, 'Bearer wrong', 'Basic dTp3cm9uZw==']) {
      const headers = { 'content-type': contentTypes[path] ?? 'application/json', ...(authorization && { authorization }) }
      const { status } = await fetch(url + path, { method, headers, body: '{}' })
      expect([401, 403], `${service} ${method} ${path} answered ${status}`).toContain(status)
    }
  }
})

const contentTypes: Readonly<Record<string, string>> = {
  '/api/v1/write': 'application/x-protobuf',
  '/slack/interactions': 'application/x-www-form-urlencoded',
}

test('health and metrics take nothing but questions', async () => {
  for (const { url } of running) {
    for (const path of ['/livez', '/readyz', '/metrics']) {
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) expect((await fetch(url + path, { method })).status).toBe(404)
    }
  }
})

test('no canary is in a log, in metrics or in an answer', async () => {
  const nowMs = Date.now()
  const anomaly = anomalyRecord({ severity: 'critical', startedAtMs: nowMs - 60_000, observedAtMs: nowMs })
  const producer = await log.producer()
  await producer.send([{ topic: topicName('lapwing', 'anomalies'), partition: 0, key: null, value: encode('Anomaly', anomaly) }])
  // Both refusals have been told of, with what the server said: that of the poll and that of the message.
  for (const told of ['refuses these credentials', 'HTTP 401'])
    await expect.poll(() => lines.some((line) => line.includes(told)), { timeout: 20_000 }).toBe(true)
  const seen = [...lines]
  for (const { url } of running) {
    for (const path of [
      '/',
      '/livez',
      '/readyz',
      '/metrics',
      '/metrics/scores',
      '/api/v1/overview',
      '/api/v1/series',
      '/api/v1/settings',
      '/no',
    ])
      seen.push(await (await fetch(url + path, { headers: { authorization: `Bearer ${canary('reporter')}` } })).text())
  }
  const secrets = [
    'kafka',
    'prometheus',
    'write',
    'write-basic',
    'slack',
    'team',
    'signing',
    'feedback',
    'postgres',
    'reporter',
  ].map(canary)
  const encoded = secrets.flatMap((secret) => [secret, Buffer.from(`u:${secret}`).toString('base64')])
  expect(encoded.flatMap((secret) => seen.filter((text) => text.includes(secret)))).toEqual([])
})

test('a label or a message cannot forge a line of the log', () => {
  const written: string[] = []
  const logger = createLogger({ name: 'test', level: 'info', output: { write: (line) => void written.push(line) } })
  const hostile = 'a\nb\r{"level":"fatal"}\u001b[31m\u2028'
  logger.info({ label: hostile, err: new Error(hostile) }, hostile)
  expect(written).toHaveLength(1)
  for (const character of ['\n', '\r', '\u001b']) expect(written[0]!.trimEnd()).not.toContain(character)
  expect(JSON.parse(written[0]!)).toMatchObject({ label: hostile, msg: hostile })
})
