/**
 * Warm-up from history: a Prometheus with six hours of the past behind it is pointed at, and within a minute every series is judged,
 * its first live sample too, while nobody hears of what went wrong in those six hours.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@lapwing/kafka-server/free-port'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { type Score, type Scoring, startScoring } from './scoring.ts'
import { missingPrograms, type Server, startPrometheus } from './servers.ts'

const missing = missingPrograms(['prometheus', 'promtool'])
if (missing.length > 0) process.stderr.write(`skipped: the warm-up test needs ${missing.join(', ')}\n`)

const seriesCount = 50
const stepS = 15
const historyS = 6 * 3600
const warmWithinMs = 60_000
/** An outage of five minutes, two hours before now. */
const outageAgoS = 7200

describe.skipIf(missing.length > 0)('a Prometheus with history', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-warm-up-'))
  let exporter: HttpServer
  let prometheus: Server
  let scoring: Scoring
  let startedMs: number

  beforeAll(async () => {
    const startS = Math.floor(Date.now() / 1000)
    exporter = await serveMetrics()
    const host = `127.0.0.1:${(exporter.address() as AddressInfo).port}`
    const history = join(folder, 'history.txt')
    writeFileSync(history, openMetrics(host, startS))
    prometheus = await startPrometheus(await freePort(), `http://${host}`, { history })
    startedMs = performance.now()
    scoring = await startScoring({ prometheus_url: prometheus.url, metrics: '["shop_orders"]', step: `${stepS}s`, history: '6h' })
  })
  afterAll(async () => {
    await scoring?.close()
    await prometheus?.stop()
    exporter?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('is warm within a minute, from its history', async () => {
    await eventually(
      async () => {
        const all = await scoring.scores()
        const isWarm = (one: readonly Score[]) =>
          one.at(-1)!.state !== 'warming' && one.filter(({ kind }) => kind === 'history').length > (0.9 * historyS) / stepS
        return all.size === seriesCount && [...all.values()].every(isWarm)
      },
      { what: 'every series has its history and is not warming', deadlineMs: warmWithinMs },
    )
    process.stderr.write(`warm after ${((performance.now() - startedMs) / 1000).toFixed(1)} s\n`)
    expect((await scoring.scores()).size).toBe(seriesCount)
  })

  test('the first live samples are judged, and nobody hears of the past', async () => {
    const live = await eventually(
      async () => {
        const all = [...(await scoring.scores()).values()].map((one) => one.filter(({ kind }) => kind === 'live'))
        return all.length === seriesCount && all.every(({ length }) => length > 0) && all
      },
      { what: 'a live sample of each series', deadlineMs: 60_000 },
    )
    expect(live.flat().filter(({ state }) => state === 'warming')).toEqual([])
    const past = [...(await scoring.scores()).values()].flat()
    expect(past.filter(({ kind, score }) => kind === 'history' && score > 1).length).toBeGreaterThan(0)
    const openedMs = (await scoring.anomalies()).map(({ startedAtMs }) => startedAtMs)
    const liveSinceMs = Math.min(...live.flat().map(({ timestampMs }) => timestampMs))
    expect(openedMs.filter((atMs) => atMs < liveSinceMs)).toEqual([])
  })
})

/** A day's rhythm, small noise that depends on series and time only, and the outage, told from where `endS` is now. */
function ordersAt(series: number, atS: number, endS: number): number {
  const agoS = endS - atS
  const isOut = agoS < outageAgoS && agoS > outageAgoS - 300
  const noise = Math.abs((Math.sin(series * 12.9898 + Math.floor(atS / stepS) * 78.233) * 43758.5453) % 1)
  return isOut ? 0 : 100 + 20 * Math.sin((2 * Math.PI * atS) / 86_400) + 5 * noise
}

async function serveMetrics(): Promise<HttpServer> {
  const server = createServer((_request, response) => {
    const nowS = Date.now() / 1000
    const lines = Array.from({ length: seriesCount }, (_, i) => `shop_orders{shop="${i}"} ${ordersAt(i, nowS, nowS)}\n`)
    response.setHeader('content-type', 'text/plain; version=0.0.4')
    response.end(lines.join(''))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

/** Up to now, as the job of `startPrometheus` would have scraped it. */
function openMetrics(instance: string, endS: number): string {
  const lines = ['# TYPE shop_orders gauge']
  for (let series = 0; series < seriesCount; series++) {
    const labels = `{instance="${instance}",job="node",shop="${series}"}`
    for (let atS = endS - historyS; atS < endS; atS += stepS)
      lines.push(`shop_orders${labels} ${ordersAt(series, atS, endS)} ${atS}`)
  }
  return `${lines.join('\n')}\n# EOF\n`
}
