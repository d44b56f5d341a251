/**
 * Two ways in, one outcome: a real Prometheus writes its samples to one Lapwing while another polls the same series as they were
 * scraped, and both say the same of every sample, of an anomaly too.
 */
import { spawn } from 'node:child_process'
import { freePort } from '@lapwing/kafka-server/free-port'
import { createQueryClient } from '@lapwing/prometheus/query-client'
import { describe, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { type Scoring, type SeriesScores, startScoring } from './scoring.ts'
import { missingPrograms, startPrometheus } from './servers.ts'

const missing = missingPrograms(['prometheus'])
if (missing.length > 0) process.stderr.write(`skipped: the pull-and-push test needs ${missing.join(', ')}\n`)

const metrics = ['shop_orders', 'shop_queue', 'shop_latency_seconds']
/** Past the warm-up of a series. */
const quietScrapes = 240
const samplesWanted = quietScrapes + 40

/** A missed scrape spoils a course, and a busy machine misses one now and then. */
const mostCourses = 3

describe.skipIf(missing.length > 0)('the same series pulled and pushed', () => {
  test('yield the same stream of scores', { timeout: 1_500_000 }, async () => {
    const [ours, theirs] = await courseWithoutGap()
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort())
    for (const [series, scores] of ours) {
      expect(scores.slice(0, samplesWanted), series).toEqual(theirs.get(series)!.slice(0, samplesWanted))
    }
    const all = [...ours.values()].flatMap((scores) => scores.slice(0, samplesWanted))
    expect(all.filter(({ score }) => score > 1).length).toBeGreaterThan(0)
    expect(new Set(all.map(({ value }) => value)).size).toBeGreaterThan(samplesWanted)
  })
})

/** What both sides say of a course in which Prometheus missed no scrape. */
async function courseWithoutGap(): Promise<readonly [pulled: SeriesScores, pushed: SeriesScores]> {
  for (let courses = 1; courses <= mostCourses; courses++) {
    const { missed, scores } = await course()
    if (missed === 0) return scores
    process.stderr.write(`Prometheus missed ${missed} scrapes: course ${courses} says nothing\n`)
  }
  throw new Error(`Prometheus missed scrapes in ${mostCourses} courses: this machine is too busy for the test`)
}

async function course(): Promise<{ missed: number; scores: readonly [SeriesScores, SeriesScores] }> {
  const stops: (() => unknown)[] = []
  try {
    const prometheusPort = await freePort()
    const pulled = await startScoring({
      prometheus_url: `http://127.0.0.1:${prometheusPort}`,
      metrics: JSON.stringify(metrics.map((query) => ({ query, samples: 'scraped' }))),
      step: '1s',
      poll_interval: '2s',
      lateness: '3s',
      history: '0s',
    })
    stops.push(pulled.close)
    const pushed = await startScoring({})
    stops.push(pushed.close)
    const shopPort = await freePort()
    const shop = spawn(process.execPath, ['-e', shopProgram, String(shopPort), String(quietScrapes)], { stdio: 'ignore' })
    stops.push(() => shop.kill())
    const target = `http://127.0.0.1:${shopPort}`
    const writes = { url: `${pushed.ingestorUrl}/api/v1/write`, metrics: metrics.join('|') }
    const prometheus = await startPrometheus(prometheusPort, target, { writes, scrapeInterval: '500ms' })
    stops.push(prometheus.stop)
    const scores = await scoresOf(pulled, pushed)
    return { scores, missed: await missedScrapes(prometheus.url, scores[0]) }
  } finally {
    // Prometheus first: it waits a minute for a receiver that is gone.
    for (const stop of stops.reverse()) await stop()
  }
}

function scoresOf(pulled: Scoring, pushed: Scoring): Promise<readonly [SeriesScores, SeriesScores]> {
  const enough = (all: SeriesScores) =>
    all.size === metrics.length && [...all.values()].every((scores) => scores.length >= samplesWanted)
  return eventually(
    async () => {
      const both = [await pulled.scores(), await pushed.scores()] as const
      return both.every(enough) && both
    },
    { what: `${samplesWanted} scores of each series on both sides`, deadlineMs: 450_000, everyMs: 2000 },
  )
}

/** Since the first scrape that brought something. */
async function missedScrapes(url: string, scores: SeriesScores): Promise<number> {
  const firstMs = Math.min(...[...scores.values()].map(([first]) => first!.timestampMs))
  const client = createQueryClient({ url, timeoutMs: 10_000 })
  const [up] = await client.scraped('up', firstMs - 1, Date.now(), new AbortController().signal)
  return up!.values.filter((value) => value === 0).length
}

/**
 * Noise that no two scrapes share, and a queue that fills up once it has been scraped often enough. A process of its own: a scrape
 * that comes too late ends the series with a marker, which Prometheus tells only to whom it writes.
 */
const shopProgram = `
const [port, quietScrapes] = process.argv.slice(1).map(Number)
let scrapes = 0
require('node:http').createServer((request, response) => {
  if (request.url !== '/metrics') return response.end()
  scrapes++
  const noise = (seed) => Math.abs((Math.sin(scrapes * 12.9898 + seed) * 43758.5453) % 1)
  const queue = 10 + noise(2) + (scrapes > quietScrapes ? 100 : 0)
  response.setHeader('content-type', 'text/plain; version=0.0.4')
  response.end('shop_orders ' + (50 + 5 * noise(1)) + '\\nshop_queue ' + queue + '\\nshop_latency_seconds ' + (0.1 + noise(3) / 100) + '\\n')
}).listen(port, '127.0.0.1')
`
