/**
 * Two ways in, one outcome: a real Prometheus writes its samples to one Lapwing while another polls the same series as they were
 * scraped, and both say the same of every sample, of an anomaly too.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { freePort } from '@lapwing/kafka-server/free-port'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { type Scoring, type SeriesScores, startScoring } from './scoring.ts'
import { missingPrograms, type Server, startPrometheus } from './servers.ts'

const missing = missingPrograms(['prometheus'])
if (missing.length > 0) process.stderr.write(`skipped: the pull-and-push test needs ${missing.join(', ')}\n`)

const metrics = ['shop_orders', 'shop_queue', 'shop_latency_seconds']
/** Past the warm-up of a series. */
const quietScrapes = 240
const samplesWanted = quietScrapes + 40

describe.skipIf(missing.length > 0)('the same series pulled and pushed', () => {
  let pulled: Scoring
  let pushed: Scoring
  let shop: ChildProcess
  let prometheus: Server

  beforeAll(async () => {
    const prometheusPort = await freePort()
    pulled = await startScoring({
      prometheus_url: `http://127.0.0.1:${prometheusPort}`,
      metrics: JSON.stringify(metrics.map((query) => ({ query, samples: 'scraped' }))),
      step: '1s',
      poll_interval: '2s',
      lateness: '3s',
      history: '0s',
    })
    pushed = await startScoring({})
    const shopPort = await freePort()
    shop = spawn(process.execPath, ['-e', shopProgram, String(shopPort), String(quietScrapes)], { stdio: 'ignore' })
    const target = `http://127.0.0.1:${shopPort}`
    const writes = { url: `${pushed.ingestorUrl}/api/v1/write`, metrics: metrics.join('|') }
    prometheus = await startPrometheus(prometheusPort, target, { writes, scrapeInterval: '500ms' })
  })
  afterAll(async () => {
    await pulled?.close()
    await pushed?.close()
    await prometheus?.stop()
    shop?.kill()
  })

  test('yield the same stream of scores', async () => {
    const enough = (all: SeriesScores) =>
      all.size === metrics.length && [...all.values()].every((scores) => scores.length >= samplesWanted)
    const [ours, theirs] = await eventually(
      async () => {
        const both = [await pulled.scores(), await pushed.scores()] as const
        return both.every(enough) && both
      },
      { what: `${samplesWanted} scores of each series on both sides`, deadlineMs: 300_000, everyMs: 2000 },
    )
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort())
    for (const [series, scores] of ours) {
      expect(scores.slice(0, samplesWanted), series).toEqual(theirs.get(series)!.slice(0, samplesWanted))
    }
    const all = [...ours.values()].flatMap((scores) => scores.slice(0, samplesWanted))
    expect(all.filter(({ score }) => score > 1).length).toBeGreaterThan(0)
    expect(new Set(all.map(({ value }) => value)).size).toBeGreaterThan(samplesWanted)
  })
})

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
