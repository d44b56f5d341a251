/**
 * Two ingestors as processes of their own on a real Kafka, polling a real Prometheus: they share the queries, and when one is killed the other
 * goes on where it was.
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
import { rangeSums, sumsOf } from './series-sums.ts'
import { missingPrograms, type Server, startNodeExporter, startPrometheus } from './servers.ts'

const missing = missingPrograms(['prometheus', 'nodeExporter'])
if (missing.length > 0) process.stderr.write(`skipped: the test of two ingestors needs ${missing.join(', ')}\n`)

const polledQueries = [
  'load1',
  'load5',
  'load15',
  'memory_MemFree_bytes',
  'memory_Buffers_bytes',
  'procs_running',
  'time_seconds',
].map((name) => `node_${name}`)
/** Of each step, a session that ends and a busy machine included. */
const deadlineMs = 180_000
const samplesTopic = topicName('lapwing', 'samples')
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

describe.skipIf(missing.length > 0)('two ingestors', () => {
  let broker: TestBroker
  let prometheus: Server
  let exporter: Server
  let ports: number[]
  const ingestors: ChildProcess[] = []

  beforeAll(async () => {
    broker = await startTestBroker(process.env)
    exporter = await startNodeExporter()
    const prometheusPort = await freePort()
    prometheus = await startPrometheus(prometheusPort, exporter.url)
    ports = [await freePort(), await freePort()]
    for (const port of ports) {
      const brokerPort = broker.server.port
      ingestors.push(startPollingIngestor({ port, prometheusPort, brokerPort, queries: polledQueries }))
    }
  })

  afterAll(async () => {
    await Promise.all(ingestors.map(killed))
    await prometheus?.stop()
    await exporter?.stop()
    await broker?.remove()
  })

  test('share the queries; one is killed, the other takes over, and every step is on the log once', async () => {
    const owned = () => Promise.all(ports.map(ownedQueries))
    const shared = await eventually(
      async () => {
        const counts = await owned()
        return counts.every((count) => count > 0) && sum(counts) === polledQueries.length ? counts : undefined
      },
      { what: 'both own some of the queries, and together each once', deadlineMs, everyMs: 500 },
    )
    process.stderr.write(`queries of each: ${shared.join(' and ')}\n`)
    const fromMs = Math.ceil(Date.now() / 1000) * 1000
    await delay(5000)
    await killed(ingestors[0]!)
    await eventually(async () => (await ownedQueries(ports[1]!)) === polledQueries.length, {
      what: 'the other owns all',
      deadlineMs,
      everyMs: 500,
    })
    const throughMs = Math.floor(Date.now() / 1000) * 1000
    const samples = await eventually(() => readThrough(broker.server.port, throughMs), {
      what: 'all queries are on the log up to the take-over',
      deadlineMs,
      everyMs: 1000,
    })
    const keys = samples.map(({ series, timestampMs }) => `${series} ${timestampMs}`)
    expect(new Set(keys).size).toBe(keys.length)
    const client = createQueryClient({ url: prometheus.url, timeoutMs: 10_000 })
    const theirs = await rangeSums(client, polledQueries, { startMs: fromMs, endMs: throughMs, stepMs: 1000 })
    expect(theirs.size).toBe(polledQueries.length)
    expect(sorted(sumsOf(samples, fromMs, throughMs))).toEqual(sorted(theirs))
  })
})

function sorted<Value>(sums: ReadonlyMap<string, Value>): [string, Value][] {
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1))
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}

/** As its metrics tell; 0 while it does not answer. */
async function ownedQueries(port: number): Promise<number> {
  const page = await fetch(`http://127.0.0.1:${port}/metrics`).then(
    (answer) => answer.text(),
    () => '',
  )
  return Number(/^lapwing_ingest_owned_queries\{.*\} (\d+)$/m.exec(page)?.[1] ?? 0)
}

/** All samples, once each query has brought what lies at the given time or after it. */
async function readThrough(brokerPort: number, throughMs: number): Promise<ReadSample[] | undefined> {
  const log = createKafkaLog({ brokers: [`127.0.0.1:${brokerPort}`], clientId: 'lapwing-test', logger: silent })
  try {
    const read = await readSamples(log, samplesTopic)
    const newest = new Map<string, number>()
    for (const { source, timestampMs } of read) newest.set(source, Math.max(timestampMs, newest.get(source) ?? 0))
    return newest.size === polledQueries.length && [...newest.values()].every((atMs) => atMs >= throughMs) ? read : undefined
  } finally {
    await log.close()
  }
}
