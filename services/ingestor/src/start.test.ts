import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type ClientRequest, request } from 'node:http'
import { request as requestTls } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { decode } from '@lapwing/contracts/codec'
import { sortedLabels } from '@lapwing/contracts/series'
import { sampleFlags } from '@lapwing/contracts/series-state'
import { topicName } from '@lapwing/contracts/topics'
import { freePort } from '@lapwing/kafka-server/free-port'
import { encodeWrite, type WriteSeries, writeHeaders } from '@lapwing/prometheus/remote-write-encoder'
import { createTestAuthority } from '@lapwing/prometheus/testing/certificates'
import { encodeWriteV2 } from '@lapwing/prometheus/testing/write-v2'
import type { RunningService } from '@lapwing/service/run-service'
import { LogError } from '@lapwing/stream/errors'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Log, OutgoingRecord } from '@lapwing/stream/log'
import { wrappedLog } from '@lapwing/stream/testing/wrapped-log'
import { type Logger, pino } from 'pino'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { eventually } from '../test/eventually.ts'
import { readSamples } from '../test/read-samples.ts'
import { beginIngestor } from '../test/start-ingestor.ts'
import { bodyBytesMax, inFlightBytesMax, pendingBytesMax } from './remote-write-route.ts'

const samplesTopic = topicName('lapwing', 'samples')
const services: RunningService[] = []
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.close()))
})

/** Resolves once it listens; `started` once it has started. */
async function start(
  log: Log,
  sets: readonly string[] = [],
  logger?: Logger,
): Promise<{ url: string; started: Promise<RunningService> }> {
  const { url, started } = beginIngestor(log, sets, 0, undefined, logger)
  const noted = started.then((service) => {
    services.push(service)
    return service
  })
  return { url: await url, started: noted }
}

const nowMs = Date.now()
const up = (...samples: [timestampMs: number, value: number, flag?: number][]): WriteSeries => ({
  labels: sortedLabels([
    ['__name__', 'up'],
    ['instance', 'a'],
    ['job', 'shop'],
  ]),
  timestampsMs: samples.map(([timestampMs]) => timestampMs),
  values: samples.map(([, value]) => value),
  flags: samples.map(([, , flag = 0]) => flag),
})
const v2 = { 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request' }
const write = (url: string, body: Uint8Array, headers: Record<string, string> = {}) =>
  fetch(`${url}/api/v1/write`, { method: 'POST', body, headers: { ...writeHeaders, ...headers } })

describe('remote write', () => {
  test('is answered 204 when the samples are on the log, old ones as history and markers as flags', async () => {
    const log = createInProcessLog()
    const { url, started } = await start(log)
    await started
    const response = await write(url, encodeWrite([up([nowMs - 3_600_000, 1], [nowMs - 1000, 2], [nowMs, 0, sampleFlags.stale])]))
    expect(response.status).toBe(204)
    const series = 'up{instance="a",job="shop"}'
    const source = 'remote-write'
    expect(await readSamples(log, samplesTopic)).toEqual([
      { series, source, kind: 'history', timestampMs: nowMs - 3_600_000, value: 1, flag: 0 },
      { series, source, kind: 'live', timestampMs: nowMs - 1000, value: 2, flag: 0 },
      { series, source, kind: 'live', timestampMs: nowMs, value: 0, flag: sampleFlags.stale },
    ])
  })

  test('refuses other formats with 415, damaged bodies with 400, large ones with 413', async () => {
    const { url, started } = await start(createInProcessLog())
    await started
    const body = encodeWrite([up([nowMs, 1])])
    const bomb = Buffer.alloc(47)
    bomb.set([0xff, 0xff, 0xff, 0xff, 0x0f])
    const answers = [
      write(url, body, { 'content-type': 'application/json' }),
      write(url, body, { 'content-encoding': 'gzip' }),
      write(url, body, { 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v3.Request' }),
      write(url, Buffer.from('nonsense')),
      write(url, bomb),
      write(url, Buffer.alloc(9 * 1024 * 1024)),
      write(url, body, { 'content-type': 'application/x-protobuf;proto=prometheus.WriteRequest' }),
    ]
    expect((await Promise.all(answers)).map((answer) => answer.status)).toEqual([415, 415, 415, 400, 413, 413, 204])
  })

  test('writes the valid samples of a request and answers 400 with what was wrong with the others', async () => {
    const log = createInProcessLog()
    const { url, started } = await start(log)
    await started
    const nameless = { ...up([nowMs, 5]), labels: sortedLabels([['instance', 'a']]) }
    const response = await write(url, encodeWrite([nameless, up([nowMs, 1], [nowMs + 86_400_000, 2])]))
    expect(response.status).toBe(400)
    expect(await response.text()).toBe('2 samples left out, all others written: a series without a metric name\n')
    expect((await readSamples(log, samplesTopic)).map((sample) => sample.value)).toEqual([1])
  })

  test('is answered 503 with Retry-After while the log is down, and not acknowledged', async () => {
    const log = createInProcessLog()
    const down = brokenLog(log)
    const lines: string[] = []
    const logger = pino(
      { level: 'warn' },
      { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) },
    )
    const { url, started } = await start(down.log, [], logger)
    const body = encodeWrite([up([nowMs, 1])])
    const early = await write(url, body)
    expect([early.status, early.headers.get('retry-after')]).toEqual([503, '5'])
    expect((await fetch(`${url}/readyz`)).status).toBe(503)
    down.broken.topics = false
    await started
    down.broken.send = true
    const late = await write(url, body)
    expect([late.status, late.headers.get('retry-after')]).toEqual([503, '5'])
    expect((await write(url, body)).status).toBe(503)
    expect(await readSamples(log, samplesTopic)).toEqual([])
    down.broken.send = false
    expect((await write(url, body)).status).toBe(204)
    const ofWrites = lines.filter((line) => line.startsWith('remote write'))
    expect(ofWrites).toEqual([expect.stringMatching(/^remote write refused: the log/), 'remote write goes on'])
    expect(await readSamples(log, samplesTopic)).toHaveLength(1)
  })

  test('refuses more than may be in flight at a time, and takes more once the others are gone', async () => {
    const { url, started } = await start(createInProcessLog())
    await started
    const body = encodeWrite([up([nowMs, 1])])
    const slow = Array.from({ length: inFlightBytesMax / bodyBytesMax }, () => announce(url, bodyBytesMax))
    const refused = await eventually('one is refused', async () => {
      const response = await write(url, body)
      return response.status === 503 ? response : undefined
    })
    expect(refused.headers.get('retry-after')).toBe('5')
    for (const one of slow) one.destroy()
    await eventually('one is taken', async () => ((await write(url, body)).status === 204 ? true : undefined))
  })

  test('2.0 is told exactly how much of what was written, also when some was left out', async () => {
    const log = createInProcessLog()
    const { url, started } = await start(log)
    await started
    const good = {
      labels: up().labels,
      samples: [[nowMs - 1, 1] as const, [nowMs, Number.NaN] as const],
      histograms: 1,
      exemplars: 2,
    }
    const bad = { labels: sortedLabels([['instance', 'a']]), samples: [[nowMs, 1] as const], exemplars: 1 }
    const answers = [await write(url, encodeWriteV2([good]), v2), await write(url, encodeWriteV2([bad, good]), v2)]
    const written = ['samples', 'histograms', 'exemplars'].map((kind) => `x-prometheus-remote-write-${kind}-written`)
    expect(answers.map(({ status, headers }) => [status, ...written.map((name) => headers.get(name))])).toEqual([
      [204, '2', '1', '2'],
      [400, '2', '1', '2'],
    ])
    expect((await readSamples(log, samplesTopic)).map(({ value }) => value)).toEqual([1, 1])
  })

  test('is taken only with the credentials, where there are some', async () => {
    const { url, started } = await start(createInProcessLog(), ['ingestor.remote_write.bearer_token=quill'])
    await started
    const body = encodeWrite([up([nowMs, 1])])
    const answers = [await write(url, body), await write(url, body, { authorization: 'Bearer quill' })]
    expect(answers.map(({ status }) => status)).toEqual([401, 204])
    expect(answers[0]!.headers.get('www-authenticate')).toContain('Bearer')
  })

  test('where it is taken over TLS it is refused without, and health and metrics are as they were', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lapwing-tls-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const { file, certify } = createTestAuthority(folder)
    certify('server', 'localhost')
    const port = await freePort()
    const tls = { port, cert_file: file('server.pem'), key_file: file('server.key') }
    const log = createInProcessLog()
    const { url, started } = await start(log, [`ingestor.remote_write.tls=${JSON.stringify(tls)}`])
    await started
    const body = encodeWrite([up([nowMs, 1])])
    const plain = await write(url, body)
    expect([plain.status, await plain.text()]).toEqual([403, 'expected TLS, on the port of remote_write.tls\n'])
    expect(await readSamples(log, samplesTopic)).toEqual([])
    expect(await postTls(port, file('ca.pem'), body)).toBe(204)
    expect((await readSamples(log, samplesTopic)).map(({ value }) => value)).toEqual([1])
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toContain('lapwing_remote_write_requests_total{status="403",service="ingestor"} 1')
  })

  test('of a pair of replicas one is taken, its label taken off; the other is told that all is well', async () => {
    const log = createInProcessLog()
    const { url, started } = await start(log)
    await started
    const from = (replica: string, value: number, timestampMs: number) => {
      const labels = sortedLabels([...pairs(up()), ['cluster', 'eu'], ['__replica__', replica]])
      return { labels, timestampsMs: [timestampMs], values: [value], flags: [0] }
    }
    const statuses = []
    for (const [replica, value, back] of [
      ['a', 1, 30],
      ['b', 2, 25],
      ['a', 3, 20],
      ['b', 4, 15],
    ] as const)
      statuses.push((await write(url, encodeWrite([from(replica, value, nowMs - back)]))).status)
    const second = { labels: from('b', 0, 0).labels, samples: [[nowMs, 5] as const] }
    const told = await write(url, encodeWriteV2([second]), v2)
    expect(statuses).toEqual([204, 204, 204, 204])
    expect([told.status, told.headers.get('x-prometheus-remote-write-samples-written')]).toEqual([204, '1'])
    const samples = await readSamples(log, samplesTopic)
    expect(samples.map(({ value }) => value)).toEqual([1, 3])
    expect(samples[0]!.series).toBe('up{cluster="eu",instance="a",job="shop"}')
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toContain('dropped_total{source="remote_write",reason="duplicate",service="ingestor"} 3')
  })

  test('when the elected replica is silent the other takes over, at every ingestor that shares the log', async () => {
    const log = createInProcessLog()
    const failover = ['ingestor.remote_write.ha.failover_timeout=5s']
    const [first, second] = [await start(log, failover), await start(log, failover)]
    await Promise.all([first.started, second.started])
    const from = (replica: string, value: number) => {
      const labels = sortedLabels([...pairs(up()), ['cluster', 'eu'], ['__replica__', replica]])
      return encodeWrite([{ labels, timestampsMs: [Date.now()], values: [value], flags: [0] }])
    }
    await write(first.url, from('a', 1))
    await write(second.url, from('b', 2))
    expect((await readSamples(log, samplesTopic)).map(({ value }) => value)).toEqual([1])
    await eventually('b is elected', async () => {
      await write(second.url, from('b', 3))
      return (await readSamples(log, samplesTopic)).some(({ value }) => value === 3) ? true : undefined
    })
    await write(first.url, from('a', 4))
    const values = (await readSamples(log, samplesTopic)).map(({ value }) => value)
    expect([values[0], ...new Set(values.slice(1))]).toEqual([1, 3])
  })

  test('rules relabel and drop, tenants are told apart, and limits are per tenant', async () => {
    const log = createInProcessLog()
    const rules = [
      { source_labels: ['job'], regex: 'spare', action: 'drop' },
      { regex: 'job', action: 'labeldrop' },
    ]
    const { url, started } = await start(log, [
      `ingestor.metric_relabel_configs=${JSON.stringify(rules)}`,
      'ingestor.remote_write.limits.per_tenant={"active_series": 1, "samples_per_second": 1, "burst": 2, "request_bytes": 1000}',
    ])
    await started
    const of = (name: string, job: string) => ({
      ...up([nowMs, 1]),
      labels: sortedLabels([
        ['__name__', name],
        ['job', job],
      ]),
    })
    const shop = { 'x-scope-orgid': 'shop' }
    const taken = await write(url, encodeWrite([of('up', 'spare'), of('up', 'x'), of('new', 'x')]), shop)
    expect([taken.status, await taken.text()]).toEqual([400, expect.stringContaining('1 samples left out')])
    expect((await write(url, encodeWrite([of('new', 'x')]), { 'x-scope-orgid': 'bank' })).status).toBe(204)
    expect((await write(url, encodeWrite([of('up', 'x')]), { 'x-scope-orgid': 'a|b' })).status).toBe(400)
    expect((await write(url, Buffer.alloc(1001), shop)).status).toBe(413)
    const late = {
      ...up(),
      labels: of('up', 'x').labels,
      timestampsMs: [1, 2, 3, 4].map((i) => nowMs + i),
      values: [1, 2, 3, 4],
      flags: [0, 0, 0, 0],
    }
    expect((await write(url, encodeWrite([late]), shop)).status).toBe(204)
    const over = await write(url, encodeWrite([late]), shop)
    expect(over.status).toBe(429)
    expect(Number(over.headers.get('retry-after'))).toBeGreaterThan(0)
    const texts = new Set((await readSamples(log, samplesTopic)).map(({ series }) => series))
    expect([...texts].sort()).toEqual(['new{tenant="bank"}', 'up{tenant="shop"}'])
  })

  test('a log that stalls costs bounded memory: what is too much is answered 503, and all that was taken is written once it goes on', async () => {
    const log = createInProcessLog()
    const stalled = stallingLog(log)
    const { url, started } = await start(stalled.log)
    await started
    stalled.stall()
    const body = largeBody()
    const before = process.memoryUsage().arrayBuffers
    const waiting: Promise<Response>[] = []
    const refused = await eventually(
      'one is refused',
      async () => {
        const answer = write(url, body)
        const first = await Promise.race([answer, delay(50).then(() => undefined)])
        if (first?.status === 503) return first
        waiting.push(answer)
        return undefined
      },
      60_000,
    )
    expect(refused.headers.get('retry-after')).toBe('5')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * (pendingBytesMax + inFlightBytesMax))
    stalled.goOn()
    const statuses = (await Promise.all(waiting)).map(({ status }) => status)
    const taken = statuses.filter((status) => status === 204).length
    expect(taken).toBeGreaterThan(1)
    // On a slow machine one of these may have been refused as well.
    expect(statuses.filter((status) => status !== 204 && status !== 503)).toEqual([])
    expect(stalled.samplesWritten()).toBe(taken * 200_000)
    await eventually('one is taken', async () => ((await write(url, body)).status === 204 ? true : undefined))
  }, 150_000)

  test('counts what it did', async () => {
    const { url, started } = await start(createInProcessLog())
    await started
    await write(url, encodeWrite([up([nowMs, 1]), up([nowMs - 1, Number.NaN])]))
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toContain('lapwing_ingest_samples_total{source="remote_write",kind="live",service="ingestor"} 1')
    expect(metrics).toContain(
      'lapwing_ingest_samples_dropped_total{source="remote_write",reason="not_finite",service="ingestor"} 1',
    )
    expect(metrics).toContain('lapwing_remote_write_requests_total{status="204",service="ingestor"} 1')
    expect(metrics).toContain('lapwing_remote_write_in_flight_bytes{service="ingestor"} 0')
  })
})

function pairs({ labels }: WriteSeries): (readonly [string, string])[] {
  return labels.map(({ name, value }) => [name, value] as const)
}

/** The status that is answered. */
function postTls(port: number, authority: string, body: Uint8Array): Promise<number | undefined> {
  const options = { method: 'POST', headers: writeHeaders, ca: readFileSync(authority), agent: false as const }
  return new Promise((resolve, reject) => {
    const sending = requestTls(`https://localhost:${port}/api/v1/write`, options, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    sending.on('error', reject)
    sending.end(body)
  })
}

/** A sender that has sent its headers and not its body. */
function announce(url: string, bytes: number): ClientRequest {
  const sending = request(`${url}/api/v1/write`, { method: 'POST', headers: { ...writeHeaders, 'content-length': bytes } })
  // Its end is the point of it: the test destroys it.
  sending.on('error', () => undefined)
  sending.flushHeaders()
  return sending
}

/** 200,000 samples, two megabytes as a body and more on the log. */
function largeBody(): Buffer {
  const times = Array.from({ length: 100 }, (_, i) => nowMs - (100 - i) * 1000)
  return encodeWrite(
    Array.from({ length: 2000 }, (_, series) => ({
      labels: sortedLabels([
        ['__name__', `metric_${series}`],
        ['instance', `host-${series % 16}`],
      ]),
      timestampsMs: times,
      values: times.map((_, i) => Math.sin(series * 100 + i)),
      flags: times.map(() => 0),
    })),
  )
}

/** A log that takes no records from the moment it is told to until it goes on. */
function stallingLog(log: Log): { log: Log; stall(): void; goOn(): void; samplesWritten(): number } {
  // Counted here: the log in memory keeps less than this test writes.
  let samples = 0
  let free: Promise<void> = Promise.resolve()
  let goOn = () => {}
  const stalling = wrappedLog(log, {
    producer: async () => {
      const producer = await log.producer()
      const send = async (records: readonly OutgoingRecord[]) => {
        await free
        await producer.send(records)
        for (const { value } of records) samples += decode('SampleBatch', value!).flags.length
      }
      return { ...producer, send }
    },
  })
  const stall = () => {
    free = new Promise((resolve) => {
      goOn = resolve
    })
  }
  return { log: stalling, stall, goOn: () => goOn(), samplesWritten: () => samples }
}

/** A log that fails where it is told to. */
function brokenLog(log: Log): { log: Log; broken: { topics: boolean; send: boolean } } {
  const broken = { topics: true, send: false }
  const failing = wrappedLog(log, {
    ensureTopics: async (specs) => {
      if (broken.topics) throw new LogError('unreachable', 'told to')
      return log.ensureTopics(specs)
    },
    producer: async () => {
      const producer = await log.producer()
      return {
        ...producer,
        send: async (records) => {
          if (broken.send) throw new LogError('timeout', 'told to')
          await producer.send(records)
        },
      }
    },
  })
  return { log: failing, broken }
}
