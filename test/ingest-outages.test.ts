/**
 * A real Prometheus that writes to us and is polled by us, while the ingestor is killed and then the broker: what stands on the
 * log afterwards is what that Prometheus itself has, series by series, by count and by sum.
 *
 * Each outage lasts 15 s; LAPWING_OUTAGE_SECONDS=60 makes it a minute.
 */
import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { topicName } from '@lapwing/contracts/topics'
import { freePort } from '@lapwing/kafka-server/free-port'
import { startTestBroker, type TestBroker } from '@lapwing/kafka-server/test-broker'
import { createQueryClient } from '@lapwing/prometheus/query-client'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ReadSample, readSamples } from '../services/ingestor/test/read-samples.ts'
import { eventually } from './eventually.ts'
import { killed, startPollingIngestor } from './polling-ingestor.ts'
import { pushedSeries, rangeSums, rawSums, type SeriesSums, sumsOf } from './series-sums.ts'
import { missingPrograms, type Server, startNodeExporter, startPrometheus } from './servers.ts'

const missing = missingPrograms(['prometheus', 'nodeExporter'])
if (missing.length > 0) process.stderr.write(`skipped: the outage test needs ${missing.join(', ')}\n`)

const outageMs = 1000 * Number(process.env.LAPWING_OUTAGE_SECONDS ?? 15)
const calmMs = 8000
/** Both outages, as long again for a sender to catch up, and on a busy machine a minute for each process to start. */
const hookTimeoutMs = 300_000 + 4 * outageMs
const polledQueries = ['node_load1', 'node_memory_MemFree_bytes', 'sum by (mode) (rate(node_cpu_seconds_total[10s]))']
const written = 'node_load1|node_cpu_seconds_total|node_memory_Mem.*|node_intr_total|up'
const samplesTopic = topicName('lapwing', 'samples')

describe.skipIf(missing.length > 0)('an ingestor and a broker that are killed', () => {
  let broker: TestBroker
  let ingestor: ChildProcess
  let prometheus: Server
  let exporter: Server
  let ingestorPort: number
  let fromMs: number
  let throughMs: number
  let samples: readonly ReadSample[]

  beforeAll(async () => {
    broker = await startTestBroker(process.env)
    const prometheusPort = await freePort()
    ingestorPort = await freePort()
    const start = () => startIngestor(ingestorPort, prometheusPort, broker.server.port)
    ingestor = await start()
    exporter = await startNodeExporter()
    const url = `http://127.0.0.1:${ingestorPort}/api/v1/write`
    prometheus = await startPrometheus(prometheusPort, exporter.url, { writes: { url, metrics: written } })
    fromMs = Math.ceil(Date.now() / 1000 + 5) * 1000
    await delay(calmMs)
    process.stderr.write(`ingestor killed for ${outageMs / 1000} s\n`)
    await killed(ingestor)
    await delay(outageMs)
    ingestor = await start()
    await delay(calmMs)
    process.stderr.write(`broker killed for ${outageMs / 1000} s\n`)
    await broker.server.kill()
    await delay(outageMs)
    await broker.restart()
    await delay(calmMs)
    throughMs = Math.floor(Date.now() / 1000) * 1000
    samples = await eventually(() => readThrough(broker.server.port, throughMs), {
      what: 'all that was scraped by now is on the log',
      deadlineMs: 120_000 + outageMs,
      everyMs: 2000,
    })
  }, hookTimeoutMs)

  afterAll(async () => {
    // First, because it waits a minute for a receiver that is gone.
    await prometheus?.stop()
    if (ingestor) await killed(ingestor)
    await exporter?.stop()
    await broker?.remove()
  })

  test('every sample that Prometheus has of the written series is on the log, with its value', async () => {
    const pushed = samples.filter(({ source }) => source === 'remote-write')
    const ours = sumsOf(once(pushed), fromMs, throughMs)
    const theirs = await rawSums(prometheus.url, pushedSeries(written), fromMs, throughMs)
    expect(ours.size).toBeGreaterThan(15)
    process.stderr.write(await missingScrapes(prometheus.url, pushed, fromMs, throughMs))
    expectEqual(ours, theirs)
    process.stderr.write(`${pushed.length - once(pushed).length} of ${pushed.length} pushed samples stand there twice\n`)
  })

  test('every step of the polled queries is on the log once, with its value', async () => {
    const polled = samples.filter(({ source }) => source !== 'remote-write')
    expect(once(polled)).toHaveLength(polled.length)
    const client = createQueryClient({ url: prometheus.url, timeoutMs: 10_000 })
    const ours = sumsOf(polled, fromMs, throughMs)
    expect(ours.size).toBeGreaterThan(5)
    expectEqual(ours, await rangeSums(client, polledQueries, { startMs: fromMs, endMs: throughMs, stepMs: 1000 }))
  })
})

function expectEqual(ours: ReadonlyMap<string, SeriesSums>, theirs: ReadonlyMap<string, SeriesSums>): void {
  const sorted = (sums: ReadonlyMap<string, SeriesSums>) => [...sums].sort(([a], [b]) => (a < b ? -1 : 1))
  expect(sorted(ours)).toEqual(sorted(theirs))
}

/** For whoever has to find out: scrapes of `up` that are not on the log, and what the sender says it gave up. */
async function missingScrapes(url: string, pushed: readonly ReadSample[], fromMs: number, throughMs: number): Promise<string> {
  const client = createQueryClient({ url, timeoutMs: 10_000 })
  const [up] = await client.scraped('up', fromMs - 1, throughMs, new AbortController().signal)
  const ours = new Set(pushed.filter(({ series }) => series.startsWith('up{')).map(({ timestampMs }) => timestampMs))
  const missing = up!.timestampsMs.filter((timestampMs) => !ours.has(timestampMs))
  if (missing.length === 0) return ''
  const page = await (await fetch(`${url}/metrics`)).text()
  const told = page.match(/^prometheus_remote_storage_samples_(failed|dropped|retried)_total.*$/gm) ?? []
  const ago = missing.map((timestampMs) => `${(throughMs - timestampMs) / 1000} s before the end`)
  return `missing: ${ago.join(', ')}\n${told.join('\n')}\n`
}

/** The sender repeats what it has no answer for: each sample once. */
function once(all: readonly ReadSample[]): ReadSample[] {
  return [...new Map(all.map((sample) => [`${sample.source} ${sample.series} ${sample.timestampMs}`, sample])).values()]
}

/** All samples, once both ways have brought what lies at the given time or after it. */
async function readThrough(brokerPort: number, throughMs: number): Promise<ReadSample[] | undefined> {
  const log = createKafkaLog({ brokers: [`127.0.0.1:${brokerPort}`], clientId: 'lapwing-test', logger: silent })
  try {
    const read = await readSamples(log, samplesTopic)
    const sources = new Map<string, number>()
    for (const { source, timestampMs } of read) sources.set(source, Math.max(timestampMs, sources.get(source) ?? 0))
    const newest = [...sources.values()]
    return newest.length === polledQueries.length + 1 && newest.every((atMs) => atMs >= throughMs) ? read : undefined
  } finally {
    await log.close()
  }
}

const silent = { debug: () => {}, warn: () => {}, error: () => {} }

async function startIngestor(port: number, prometheusPort: number, brokerPort: number): Promise<ChildProcess> {
  const child = startPollingIngestor({ port, prometheusPort, brokerPort, queries: polledQueries })
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve())
    child.once('exit', (code) => reject(new Error(`the ingestor ended with exit code ${code}`)))
  })
  return child
}
