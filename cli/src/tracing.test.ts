/**
 * One trace from the remote write that brings a sample to the message in Slack, over every topic in between: all services in this process, on the log in memory,
 * spans sent to a collector of ours as OpenTelemetry's own exporter sends them.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startSlackReceiver } from '@lapwing/alerter/testing/slack-receiver'
import { encodeWrite, writeHeaders } from '@lapwing/prometheus/remote-write-encoder'
import { loadConfig } from '@lapwing/service/config'
import { createLogger } from '@lapwing/service/logger'
import { type RunningService, runService } from '@lapwing/service/run-service'
import { startTracing, tracingIsOn } from '@lapwing/service/tracing'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { expect, onTestFinished, test, vi } from 'vitest'
import { allSections } from './start/all-config.ts'
import { services } from './start/one-process.ts'

/** Of an OTLP span in JSON, what is looked at. */
interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly scope: string
}

interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[]
    }
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string }
      readonly spans: readonly Omit<OtlpSpan, 'scope'>[]
    }[]
  }[]
}

async function startCollector(): Promise<{ url: string; spans: OtlpSpan[]; serviceNames: Set<string>; server: Server }> {
  const spans: OtlpSpan[] = []
  const serviceNames = new Set<string>()
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    if (request.url === '/v1/traces') {
      for (const { resource, scopeSpans } of (JSON.parse(body) as OtlpRequest).resourceSpans) {
        serviceNames.add(resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '')
        for (const { scope, spans: some } of scopeSpans) spans.push(...some.map((span) => ({ ...span, scope: scope.name })))
      }
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, serviceNames, server }
}

const minuteMs = 60_000
const labels = [
  { name: '__name__', value: 'load' },
  { name: 'instance', value: 'a:9100' },
]

/** Six calm hours, then the newest value far away. */
function samples(nowMs: number, last: number) {
  const timestampsMs = Array.from({ length: 360 }, (_, i) => nowMs - (359 - i) * minuteMs)
  const values = timestampsMs.map((_, i) => (i === 359 ? last : 10 + Math.sin(i * 1.7) + Math.cos(i * 0.9)))
  return { labels, timestampsMs, values, flags: timestampsMs.map(() => 0) }
}

test('tracing is off unless the environment says where to, and then nothing of it is loaded', async () => {
  expect(tracingIsOn({})).toBe(false)
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }
  expect(tracingIsOn(endpoint)).toBe(true)
  expect(tracingIsOn({ ...endpoint, OTEL_SDK_DISABLED: 'true' })).toBe(false)
  expect(tracingIsOn({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' })).toBe(false)
  await (await startTracing({}, { serviceName: 'test', version: '1' }))()
})

test('one trace spans ingestor, detector, alerter and Slack; lines of the log have its id', { timeout: 90_000 }, async () => {
  const collector = await startCollector()
  const slack = await startSlackReceiver()
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url)
  vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '100')
  const endTracing = await startTracing(process.env, { serviceName: 'lapwing-test', version: '1' })
  const log = createInProcessLog()
  const lines: string[] = []
  const running = new Map<string, RunningService>()
  onTestFinished(async () => {
    for (const service of running.values()) await service.close()
    await log.close()
    await endTracing()
    await slack.stop()
    collector.server.close()
    vi.unstubAllEnvs()
  })
  const sets = [...services.map(([name]) => `${name}.port=0`), `alerter.slack_webhook_url=${slack.url}`, 'kafka.partitions=1']
  const config = loadConfig(allSections, { environment: {}, sets })
  for (const [name, start] of services) {
    if (!['ingestor', 'detector', 'alerter'].includes(name)) continue
    const logger = createLogger({ name, level: 'info', output: { write: (line) => void lines.push(line) } })
    const http = { host: '127.0.0.1', port: 0 }
    const onFail = (error: Error) => void lines.push(error.message)
    running.set(
      name,
      await runService({ name, config, version: 'test', logger, http, onFail, start: (context) => start(context, log) }),
    )
  }

  const write = async (series: ReturnType<typeof samples>, headers = {}) => {
    const url = `${running.get('ingestor')!.url}/api/v1/write`
    const body = encodeWrite([series])
    expect((await fetch(url, { method: 'POST', headers: { ...writeHeaders, ...headers }, body })).status).toBe(204)
  }
  const nowMs = Date.now() - 10 * minuteMs
  await write(samples(nowMs, 10))
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  for (const [i, value] of [500, 510, 520].entries()) {
    const one = { labels, timestampsMs: [Date.now() - (3 - i) * 1000], values: [value], flags: [0] }
    await write(one, { traceparent: `00-${traceId}-b7ad6b7169203331-01` })
  }

  await vi.waitFor(() => expect(slack.taken()).not.toHaveLength(0), { timeout: 60_000, interval: 100 })
  const inTrace = () => collector.spans.filter((span) => span.traceId === traceId)
  await vi.waitFor(() => expect(inTrace().map(({ name }) => name)).toContain('deliver slack'), { timeout: 20_000, interval: 100 })
  expect([...collector.serviceNames]).toEqual(['lapwing-test'])
  expect(wayTo('deliver slack', inTrace())).toEqual([
    'lapwing-ingestor: POST /api/v1/write',
    'lapwing-ingestor: send lapwing.samples.v1',
    'lapwing-detector: process lapwing.samples.v1',
    'lapwing-alerter: process lapwing.anomalies.v1',
    'lapwing-alerter: process lapwing.alerts.v1',
    'lapwing-alerter: deliver slack',
  ])
  const traced = lines
    .map((line) => JSON.parse(line) as { trace_id?: string; span_id?: string })
    .filter((line) => line.trace_id === traceId)
  expect(traced.length).toBeGreaterThan(0)
  expect(traced.every(({ span_id: id }) => /^[0-9a-f]{16}$/.test(id ?? ''))).toBe(true)
})

/** From parent to child, down to the span of this name. */
function wayTo(name: string, spans: readonly OtlpSpan[]): string[] {
  const way: string[] = []
  for (let span = spans.find((one) => one.name === name); span; span = spans.find((one) => one.spanId === span?.parentSpanId)) {
    way.unshift(`${span.scope}: ${span.name}`)
  }
  return way
}
