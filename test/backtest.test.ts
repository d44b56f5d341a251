/**
 * A backtest says what the running services said: a Prometheus with a past and a future, polled live by ingestor, detector and alerter for a
 * minute; afterwards `lapwing backtest` over the same minute gives the same anomaly records and the same decisions.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Anomaly } from '@lapwing/contracts/records'
import { freePort } from '@lapwing/kafka-server/free-port'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { type Scoring, startScoring } from './scoring.ts'
import { missingPrograms, type Server, startPrometheus } from './servers.ts'

const missing = missingPrograms(['prometheus', 'promtool'])
if (missing.length > 0) process.stderr.write(`skipped: the backtest test needs ${missing.join(', ')}\n`)

const root = fileURLToPath(new URL('../', import.meta.url))
const instances = ['a', 'b', 'c', 'd', 'e', 'f']
const historyS = 1800
/** When three of the series go wrong, and until when: in every minute from now on, since polls may begin late on a busy machine. */
const faultFromS = 25
const faultToS = 45
const faultEveryS = 60
const futureS = 420
const settings = { metrics: '["shop_orders"]', step: '1s', poll_interval: '1s', lateness: '2s', history: `${historyS}s` }

describe.skipIf(missing.length > 0)('a backtest', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-backtest-'))
  const startS = Math.floor(Date.now() / 1000)
  let prometheus: Server
  let scoring: Scoring

  beforeAll(async () => {
    const history = join(folder, 'history.txt')
    writeFileSync(history, openMetrics(startS))
    prometheus = await startPrometheus(await freePort(), 'http://127.0.0.1:1', { history })
    scoring = await startScoring({ prometheus_url: prometheus.url, ...settings })
  })
  afterAll(async () => {
    await scoring?.close()
    await prometheus?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['lapwing', 'backtest', '--prometheus', prometheus.url, ...args], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, PROMETHEUS_URL: '' },
    })

  test('gives the episodes that the running services gave', async () => {
    await eventually(async () => isOver(await scoring.anomalies()), {
      what: 'episodes of the three series have begun and ended',
      deadlineMs: 360_000,
    })
    const scores = [...(await scoring.scores()).values()].map((one) => one.filter(({ kind }) => kind === 'live'))
    const from = Math.min(...scores.map((one) => one[0]!.timestampMs)) / 1000 - 1
    // Of two partitions one may be a step ahead.
    const to = Math.min(...scores.map((one) => one.at(-1)!.timestampMs)) / 1000
    const live = (await scoring.anomalies()).filter(({ observedAtMs }) => observedAtMs <= to * 1000)
    const sets = Object.entries(settings).map(([key, value]) => `--set=ingestor.${key}=${value}`)
    const { stdout, stderr, status } = run('--json', `--from=${from}`, `--to=${to}`, ...sets, '--set=kafka.partitions=2')
    expect({ status, stderr }).toMatchObject({ status: 0 })
    const { anomalyIds, samples } = JSON.parse(stdout) as { anomalyIds: string[]; samples: number }
    expect(samples).toBe(scores.flat().filter(({ timestampMs }) => timestampMs <= to * 1000).length)
    expect(anomalyIds.sort()).toEqual(live.map(({ id }) => id).sort())
  })

  test('shows what Prometheus says of PromQL that does not parse, and where', () => {
    const { stderr, status } = run('--query', 'sum(rate(shop_orders[5m])', '--from=-1h')
    expect(status).toBe(2)
    expect(stderr).toContain('parse error: unclosed left parenthesis')
    expect(stderr).toMatch(/ {2}sum\(rate\(shop_orders\[5m\]\)\n {2} *\^\n/)
  })

  test('ends with a code of its own when a gate is not passed', () => {
    const { stderr, status } = run(
      '--query=shop_orders',
      '--from=-5m',
      '--step=1s',
      '--max-alerts-per-day=0',
      '--set=ingestor.history=20m',
    )
    expect(stderr).toContain('Gate not passed')
    expect(status).toBe(3)
  })
})

/** Whether something has begun in each series that goes wrong, and all of it has ended. */
function isOver(anomalies: readonly Anomaly[]): boolean {
  const ended = new Set(anomalies.filter(({ state }) => state === 'resolved').map(({ episodeId }) => episodeId))
  return (
    new Set(anomalies.map(({ seriesKey }) => seriesKey)).size >= 3 && anomalies.every(({ episodeId }) => ended.has(episodeId))
  )
}

function ordersAt(series: number, agoS: number): number {
  const atS = agoS % faultEveryS
  const isWrong = series < 3 && atS >= faultFromS && atS < faultToS
  const noise = Math.abs((Math.sin(series * 12.9898 + agoS * 78.233) * 43758.5453) % 1)
  return (isWrong ? 300 : 100) + 10 * Math.sin((2 * Math.PI * agoS) / 600) + 5 * noise
}

/** Nobody scrapes: all that Prometheus ever has is in its blocks, so that live and later it answers the same. */
function openMetrics(startS: number): string {
  const lines = ['# TYPE shop_orders gauge']
  instances.forEach((instance, series) => {
    for (let s = -historyS - 60; s < futureS; s++)
      lines.push(`shop_orders{instance="${instance}"} ${ordersAt(series, s)} ${startS + s}`)
  })
  return `${lines.join('\n')}\n# EOF\n`
}
