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
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { secretPlaces, textPlaces } from '../testing/secret-places.ts'
import { allSections } from './start/all-config.ts'
import { services } from './start/one-process.ts'

const canary = (place: string) => `canary-${place}-5f3a`
const token = { name: 'reader', token: canary('reader-of-the-page'), scopes: ['read', 'write'] }

/** Some places exclude each other, so there are several configurations; `url` is that of a server which refuses everything. */
const configurations = [
  (url: string) => ({
    kafka: { sasl: { username: 'lapwing', password: canary('kafka') } },
    ingestor: {
      prometheus_url: url,
      prometheus_access: { basic_auth: { username: 'u', password: canary('prometheus') } },
      scrape_configs: [scrape(url, { basic_auth: { username: 'u', password: canary('scrape') } })],
      remote_write: {
        bearer_token: canary('write'),
        credentials: [{ name: 'shop', basic_auth: { username: 'u', password: canary('write-basic') } }],
      },
    },
    alerter: {
      slack_webhook_url: `${url}/services/${canary('slack')}`,
      slack_signing_secret: canary('signing'),
      feedback_token: canary('feedback'),
      receivers: [
        { name: 'team', slack_webhook_url: `${url}/services/${canary('team')}`, webhook_url: `${url}/${canary('events')}` },
      ],
    },
    reporter: {
      tokens: [token],
      remote_write_url: `${url}/api/v1/write`,
      remote_write_bearer_token: canary('write-back'),
      reports: {
        slack_webhook_url: `${url}/services/${canary('report')}`,
        bucket: { endpoint: url, bucket: 'ops', access_key_id: 'lapwing', secret_access_key: canary('report-bucket') },
        mail: { smtp_url: `smtp://u:${canary('mail')}@127.0.0.1:1`, from: 'a@example.com', to: ['b@example.com'] },
      },
    },
  }),
  (url: string) => ({
    ingestor: {
      prometheus_url: url,
      prometheus_bearer_token: canary('prometheus-token'),
      scrape_configs: [scrape(url, { bearer_token: canary('scrape-token') })],
      remote_write: {
        basic_auth: { username: 'u', password: canary('write-password') },
        credentials: [{ name: 'shop', bearer_token: canary('write-token') }],
      },
    },
    alerter: {
      slack_api_url: url,
      slack_bot_token: canary('bot'),
      slack_channel: 'C1',
      feedback_token: canary('feedback'),
      receivers: [{ name: 'team', slack_bot_token: canary('team-bot'), slack_channel: 'C2' }],
    },
    reporter: { tokens: [token] },
    trainer: {
      artefact_bucket: { endpoint: url, bucket: 'models', access_key_id: 'lapwing', secret_access_key: canary('bucket') },
    },
  }),
  (url: string) => ({
    ingestor: {
      prometheus_url: url,
      prometheus_access: { bearer_token: canary('access-token') },
      remote_write: { bearer_token: canary('write') },
    },
    reporter: { tokens: [token], postgres_url: `postgres://u:${canary('postgres')}@127.0.0.1:1/x` },
  }),
]

function scrape(url: string, access: object) {
  return {
    job_name: 'pages',
    scrape_interval: '1s',
    scrape_timeout: '1s',
    static_configs: [{ targets: [new URL(url).host] }],
    access,
  }
}

test('there is a canary in every place where a secret may stand', () => {
  const placed = configurations.flatMap((configuration) => textPlaces(configuration('http://127.0.0.1'), 'canary-'))
  expect([...new Set(placed)].toSorted()).toEqual(secretPlaces(allSections).toSorted())
})

describe.each(configurations.map((configuration, i) => ({ name: i + 1, configuration })))(
  'configuration $name',
  ({ configuration }) => {
    const lines: string[] = []
    const running: RunningService[] = []
    /** Routes that take anything but GET and HEAD, by service. */
    const writes: { readonly service: string; readonly url: string; readonly method: string; readonly path: string }[] = []
    const log = createInProcessLog()
    let canaries: string[] = []
    /** Says back what it was shown. */
    const refusing = createServer((request, response) => {
      response
        .writeHead(401)
        .end(JSON.stringify({ status: 'error', error: `no: ${request.headers.authorization} ${request.url}` }))
    })

    beforeAll(async () => {
      refusing.listen(0, '127.0.0.1')
      await once(refusing, 'listening')
      const settings = configuration(`http://127.0.0.1:${(refusing.address() as AddressInfo).port}`)
      canaries = [...JSON.stringify(settings).matchAll(/canary-[\w-]+/g)].map(([text]) => text)
      const sets = [
        ...services.map(([name]) => `${name}.port=0`),
        'log.level=trace',
        'ingestor.metrics=["up"]',
        ...Object.entries(settings).flatMap(([section, keys]) =>
          Object.entries(keys).map(([key, value]) => `${section}.${key}=${JSON.stringify(value)}`),
        ),
      ]
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
              for (const one of [method].flat())
                if (!['GET', 'HEAD', 'OPTIONS'].includes(one)) found.push({ method: one, path: url })
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
      expect(writes.map(({ path }) => path)).toEqual(expect.arrayContaining(knownWrites))
      for (const { service, url, method, path } of writes.filter((route) => !isForgetting(route))) {
        for (const authorization of [undefined, 'Bearer wrong', 'Basic dTp3cm9uZw==']) {
          const headers = { 'content-type': contentTypes[path] ?? 'application/json', ...(authorization && { authorization }) }
          const { status } = await fetch(url + path, { method, headers, body: bodies[path] ?? '{}' })
          expect([401, 403], `${service} ${method} ${path} answered ${status}`).toContain(status)
        }
      }
    })

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
      await producer.send([
        { topic: topicName('lapwing', 'anomalies'), partition: 0, key: null, value: encode('Anomaly', anomaly) },
      ])
      // Refusals have been told of, with what the server said: that of the poll, and that of the message where there is a receiver.
      const told = ['refuses these credentials', ...(canaries.some((one) => /slack|bot/.test(one)) ? ['HTTP 401'] : [])]
      for (const words of told)
        await expect.poll(() => lines.some((line) => line.includes(words)), { timeout: 20_000 }).toBe(true)
      const seen = [...lines]
      const headers = { authorization: `Bearer ${token.token}` }
      for (const { url } of running) for (const path of paths) seen.push(await (await fetch(url + path, { headers })).text())
      const forms = canaries.flatMap((one) => [one, Buffer.from(`u:${one}`).toString('base64')])
      expect(forms.flatMap((form) => seen.filter((text) => text.includes(form)))).toEqual([])
    })
  },
)

const contentTypes: Readonly<Record<string, string>> = {
  '/api/v1/write': 'application/x-protobuf',
  '/slack/interactions': 'application/x-www-form-urlencoded',
}

const knownWrites = ['/api/v1/write', '/api/v1/anomalies/:episodeId/verdict', '/api/v1/models/:modelId/change']

/** A token that is handed in. */
const bodies: Readonly<Record<string, string>> = { '/api/v1/session': JSON.stringify({ token: 'wrong'.repeat(10) }) }

/** Whoever forgets a token of their own needs none. */
function isForgetting({ method, path }: { readonly method: string; readonly path: string }): boolean {
  return method === 'DELETE' && path === '/api/v1/session'
}

const paths = [
  ...['/', '/livez', '/readyz', '/metrics', '/metrics/scores', '/no'],
  ...['/api/v1/overview', '/api/v1/series', '/api/v1/anomalies', '/api/v1/settings', '/api/v1/openapi.json'],
]

test('a label or a message cannot forge a line of the log', () => {
  const written: string[] = []
  const logger = createLogger({ name: 'test', level: 'info', output: { write: (line) => void written.push(line) } })
  const hostile = 'a\nb\r{"level":"fatal"}\u001b[31m\u2028'
  logger.info({ label: hostile, err: new Error(hostile) }, hostile)
  expect(written).toHaveLength(1)
  for (const character of ['\n', '\r', '\u001b']) expect(written[0]!.trimEnd()).not.toContain(character)
  expect(JSON.parse(written[0]!)).toMatchObject({ label: hostile, msg: hostile })
})
