import { setTimeout as delay } from 'node:timers/promises'
import { type TopicSpec, topicSpecs } from '@lapwing/contracts/topics'
import { createQueryClient } from '@lapwing/prometheus/query-client'
import { pushRules } from '@lapwing/prometheus/testing/push-rules'
import { configuredQueries } from '@lapwing/queries/configured-queries'
import { type QuerySetting, queryKeys } from '@lapwing/queries/query-settings'
import { LogError } from '@lapwing/stream/errors'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Log } from '@lapwing/stream/log'
import { wrappedLog } from '@lapwing/stream/testing/wrapped-log'
import pLimit from 'p-limit'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../test/eventually.ts'
import { type FakePrometheus, type Fault, rangeAnswer, startFakePrometheus } from '../test/fake-prometheus.ts'
import { type ReadSample, readSamples } from '../test/read-samples.ts'
import { createIngestMetrics } from './metrics.ts'
import { type Poller, startPoller } from './poller.ts'
import { placeQueries, type Query } from './query.ts'

const stepMs = 50
const policy = { stepMs, pollIntervalMs: stepMs, latenessMs: 0, historyMs: 20 * stepMs }
const topics = { samples: 'lapwing.samples.v1', ingestState: 'lapwing.ingest-state.v1', fence: 'lapwing-ingestor' }
const specs: TopicSpec[] = topicSpecs('lapwing', 4)

let prometheus: FakePrometheus
let log: Log
let registry: Registry
const pollers: Poller[] = []
const fatal: Error[] = []
/** Lines of the log, as JSON. */
const told: string[] = []

beforeEach(async () => {
  prometheus = await startFakePrometheus()
  log = createInProcessLog()
  await log.ensureTopics(specs)
  fatal.length = 0
  told.length = 0
})

afterEach(async () => {
  await Promise.all(pollers.splice(0).map((poller) => poller.stop()))
  await log.close()
  prometheus.close()
  expect(fatal).toEqual([])
})

const queriesOf = (metrics: readonly (string | object)[], partitions: number): Query[] =>
  placeQueries(configuredQueries({ metrics: queryKeys.metrics.parse(metrics) as QuerySetting[] }), partitions)

async function poll(promql: readonly (string | object)[] = ['metric'], on: Log = log): Promise<Poller> {
  registry = new Registry()
  const poller = await startPoller({
    log: on,
    group: 'lapwing-ingestor',
    queries: queriesOf(promql, 4),
    topics,
    client: createQueryClient({ url: prometheus.url, timeoutMs: 600 }),
    scraping: { jobs: [], partitions: 4, tools: {} as never },
    tools: {
      limit: pLimit(4),
      policy,
      backoff: { firstMs: 5, longestMs: 20 },
      rules: pushRules,
      longestGapMs: 0,
      partitions: 4,
      metrics: createIngestMetrics(registry, { ownedQueries: () => 0, lagMs: () => 0, troubles: () => [] }),
      logger: pino({ level: 'warn' }, { write: (line: string) => void told.push(line) }),
      now: Date.now,
      random: () => 0.5,
    },
    onFatal: (error) => fatal.push(error),
  })
  pollers.push(poller)
  return poller
}

const published = () => readSamples(log, topics.samples)
const moreThan = (count: number) =>
  eventually(`more than ${count} samples`, async () => {
    const samples = await published()
    return samples.length > count ? samples : undefined
  })

/** Every step from the first to the last sample exactly once, in order, with the value of its time. */
function expectExact(samples: readonly ReadSample[]): void {
  const firstMs = samples[0]!.timestampMs
  expect(samples.map((sample) => sample.timestampMs)).toEqual(samples.map((_, i) => firstMs + i * stepMs))
  for (const { value, timestampMs } of samples) expect(value).toBeCloseTo(timestampMs / 1000, 6)
}

/** As `expectExact` for each query, a while from now. */
async function expectEachExact(promql: readonly string[]): Promise<void> {
  const before = (await published()).length
  const perQuery = await eventually('more samples of each query', async () => {
    const samples = await published()
    const each = queriesOf(promql, 4).map(({ id }) => samples.filter(({ source }) => source === id))
    const enough = before / promql.length + 10
    return each.every(({ length }) => length > enough) ? each : undefined
  })
  for (const samples of perQuery) expectExact(samples)
}

const status =
  (code: number): Fault =>
  (response) =>
    response.writeHead(code).end('{"status":"error","error":"told to"}')
const unavailable = status(503)
const range = { promql: 'metric', startMs: 0, endMs: 100, stepMs }
const faults: Record<string, Fault> = {
  bad_query: status(400),
  not_executable: status(422),
  throttled: status(429),
  server_error: status(500),
  unavailable,
  timeout: () => {},
  unreachable: (response) => response.destroy(),
  garbled: (response) => response.end(rangeAnswer(range).slice(0, -20)),
  partial: (response) => response.end(rangeAnswer(range, { warnings: ['a store is missing'] })),
  redirected: (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
  not_prometheus: status(404),
}

describe('the poller', () => {
  test('brings the history first and then every step, each once', async () => {
    await poll()
    const samples = await moreThan(30)
    expectExact(samples)
    const kinds = samples.map((sample) => sample.kind)
    expect(kinds.lastIndexOf('history')).toBe(20)
    expect(kinds.indexOf('live')).toBe(21)
    expect(new Set(samples.map((sample) => sample.series))).toEqual(new Set(['metric{instance="a"}']))
    expect(samples[0]!.source).toBe(queriesOf(['metric'], 4)[0]!.id)
  })

  test('a name is the source; a counter is asked for as its rate, known by its name or its type', async () => {
    await poll([{ name: 'shop:load', query: 'metric' }, 'x_total{a="b"}', 'counted', 'sum(rate(y_total[1m]))'])
    const asked = await eventually('all are asked', () => {
      const texts = new Set(prometheus.requests.map((request) => request.promql))
      return texts.size === 4 ? texts : undefined
    })
    expect([...asked].sort()).toEqual(['metric', 'rate(counted[120s])', 'rate(x_total{a="b"}[120s])', 'sum(rate(y_total[1m]))'])
    expect((await moreThan(0)).map(({ source }) => source)).toContain('shop:load')
    const notices = told.map((line) => JSON.parse(line) as { msg: string; promql: string })
    const rated = notices.filter(({ msg }) => msg.startsWith('a counter is polled as its rate'))
    expect(rated.map(({ promql }) => promql).sort()).toEqual(['rate(counted[120s])', 'rate(x_total{a="b"}[120s])'])
  })

  test('however many queries are due, no more than the limit are asked at a time', async () => {
    const queries = Array.from({ length: 12 }, (_, i) => `metric * ${i}`)
    prometheus.fail(...queries.map(() => (response: Parameters<Fault>[0]) => void delay(20).then(() => unavailable(response))))
    await poll(queries)
    await expectEachExact(queries)
    expect(prometheus.mostAtOnce).toBeGreaterThan(1)
    expect(prometheus.mostAtOnce).toBeLessThanOrEqual(4)
  })

  test('scraped samples come as they are, each once, whatever window they were asked in', async () => {
    await poll([{ query: 'metric', samples: 'scraped' }])
    const samples = await moreThan(130)
    const firstMs = samples[0]!.timestampMs
    expect(samples.map((sample) => sample.timestampMs)).toEqual(samples.map((_, i) => firstMs + i * 10))
    expect(new Set(prometheus.requests.map(({ promql }) => promql.replace(/\d+/, 'N')))).toEqual(new Set(['metric[Nms]']))
  })

  test.each(Object.keys(faults))('after "%s" the watermark has not moved, and later there is no gap', async (reason) => {
    await poll()
    await moreThan(22)
    prometheus.fail(faults[reason]!, faults[reason]!)
    const starts = await eventually('a poll after the faults', () => {
      const failed = prometheus.requests.findIndex((request) => request.failed)
      const after = prometheus.requests.slice(failed, failed + 3)
      return failed !== -1 && after.length === 3 ? after.map((request) => request.startMs) : undefined
    })
    expect(new Set(starts).size).toBe(1)
    expectExact(await moreThan((await published()).length))
    const errors = (await registry.getSingleMetric('lapwing_ingest_poll_errors_total')!.get()).values
    expect(errors.find((error) => error.labels.reason === reason)?.value).toBe(2)
  })

  test('a query that is refused is in trouble at once, with the words of Prometheus, until it works again or is let go of', async () => {
    const poller = await poll(['metric', 'metric * 2'])
    await moreThan(50)
    expect(poller.troubles.size).toBe(0)
    prometheus.fail(...Array.from({ length: 6 }, () => faults.bad_query!))
    const trouble = await eventually('a trouble', () => [...poller.troubles.values()][0])
    expect(trouble).toMatchObject({ reason: 'bad_query', message: 'Prometheus refuses the query: told to' })
    expect(queriesOf(['metric', 'metric * 2'], 4).find(({ id }) => id === trouble.subject)?.promql).toBe(trouble.text)
    expect(trouble.sinceMs).toBeLessThanOrEqual(trouble.atMs)
    await eventually('no trouble', () => (poller.troubles.size === 0 ? true : undefined))

    prometheus.fail(...Array.from({ length: 1000 }, () => faults.not_executable!))
    await eventually('both in trouble', () => (poller.troubles.size === 2 ? true : undefined))
    await poller.stop()
    expect(poller.troubles.size).toBe(0)
    const again = await poll(['metric'])
    const taken = await eventually('a trouble of who took over', () => [...again.troubles.values()][0])
    // Not when this process saw it first: from when on its samples are missing.
    const newestMs = Math.max(
      ...(await published()).filter(({ source }) => source === taken.subject).map(({ timestampMs }) => timestampMs),
    )
    expect(taken.sinceMs).toBe(newestMs + stepMs)
  })

  test('what the next try may mend is no trouble before the third', async () => {
    const poller = await poll()
    await moreThan(22)
    const troubles: number[] = []
    prometheus.fail(
      ...[1, 2, 3].map(
        (): Fault => (response) => {
          troubles.push(poller.troubles.size)
          unavailable(response)
        },
      ),
      (response) => {
        troubles.push(poller.troubles.size)
        unavailable(response)
      },
    )
    await eventually('all failed', () => (troubles.length === 4 ? true : undefined))
    expect(troubles).toEqual([0, 0, 0, 1])
    await eventually('no trouble', () => (poller.troubles.size === 0 ? true : undefined))
  })

  test('a new poller goes on where the last one stopped', async () => {
    const first = await poll()
    await moreThan(25)
    await first.stop()
    await delay(3 * stepMs)
    await poll()
    const samples = await moreThan((await published()).length + 5)
    expectExact(samples)
    expect(samples.filter((sample) => sample.kind === 'history')).toHaveLength(21)
  })

  test('a commit whose answer was lost is not repeated', async () => {
    const lossy = wrappedLog(log, { fencedProducer: fencedButLossy(log) })
    await poll(['metric'], lossy)
    expectExact(await moreThan(40))
  })

  test('two replicas share the queries, and nothing is polled twice', async () => {
    const queries = Array.from({ length: 12 }, (_, i) => `metric * ${i}`)
    const [first, second] = [await poll(queries), await poll(queries)]
    await eventually('both poll, and everything', () => {
      const counts = [first.progress.size, second.progress.size]
      return counts[0]! > 0 && counts[1]! > 0 && counts[0]! + counts[1]! === 12 ? true : undefined
    })
    await expectEachExact(queries)
  })

  test('when a replica ends, the other takes over its queries without a gap', async () => {
    const queries = Array.from({ length: 12 }, (_, i) => `metric * ${i}`)
    const [first, second] = [await poll(queries), await poll(queries)]
    await eventually('both poll', () => (first.progress.size > 0 && second.progress.size > 0 ? true : undefined))
    await first.stop()
    await eventually('one polls everything', () => (second.progress.size === 12 ? true : undefined))
    await expectEachExact(queries)
  })
})

/** Every third commit happens, and is then reported as a timeout. */
function fencedButLossy(target: Log): Log['fencedProducer'] {
  let commits = 0
  return async (fenceId) => {
    const producer = await target.fencedProducer(fenceId)
    return {
      ...producer,
      commit: async (records) => {
        await producer.commit(records)
        commits++
        if (commits % 3 === 0) throw new LogError('timeout', 'answer lost on purpose')
      },
    }
  }
}
