import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@lapwing/kafka-server/free-port'
import { LogError } from '@lapwing/stream/errors'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Log } from '@lapwing/stream/log'
import { afterEach, describe, expect, test } from 'vitest'
import { anomaly, notification } from '../testing/records.ts'
import { type RunningReporter, runReporter, until } from '../testing/running-reporter.ts'
import { labelled, scoreBatch } from '../testing/score-batch.ts'
import type { AnomalyView, Overview, SeriesList } from './api-model.ts'

const reporters: RunningReporter[] = []
afterEach(async () => {
  for (const reporter of reporters.splice(0)) {
    await reporter.close()
    expect(reporter.failures).toEqual([])
  }
})

async function run(...parameters: Parameters<typeof runReporter>): Promise<RunningReporter> {
  const reporter = await runReporter(...parameters)
  reporters.push(reporter)
  return reporter
}

const labels = labelled('latency', { service: 'checkout' })
const batch = (timestampMs: number) =>
  scoreBatch([{ labels, samples: [{ timestampMs, value: 1, state: 'anomalous', score: 2 }] }])
const opened = anomaly({ id: 'a/open', episodeId: 'a', labels, severity: 'critical', observedAtMs: Date.now() })
const json = async <Body>(url: string) => (await (await fetch(url)).json()) as Body
const overviewOf = ({ url }: RunningReporter) => json<Overview>(`${url}/api/v1/overview`)
const seriesOf = ({ url }: RunningReporter) => json<SeriesList>(`${url}/api/v1/series`)
const anomaliesOf = ({ url }: RunningReporter) => json<AnomalyView[]>(`${url}/api/v1/anomalies`)
const metrics = async (reporter: RunningReporter) => (await fetch(`${reporter.url}/metrics`)).text()

describe('reporter', () => {
  test('shows what comes over the log, and counts it', async () => {
    const reporter = await run()
    expect(await overviewOf(reporter)).toMatchObject({
      waitingFor: [expect.stringMatching(/waiting for the ingestor/)],
      lagSeconds: null,
    })
    await reporter.write('ScoreBatch', [batch(Date.now() - 2000)])
    await reporter.write('Anomaly', [opened, opened])
    await reporter.write('Notification', [notification({ id: 'n', alertId: 'a' })])
    const overview = await until(
      () => overviewOf(reporter),
      ({ openAnomalies, series }) => openAnomalies === 1 && series.shown === 1,
    )
    expect(overview).toMatchObject({ series: { shown: 1, byState: { anomalous: 1 } } })
    await until(
      () => anomaliesOf(reporter),
      ([first]) => first?.notifications.length === 1,
    )
    const text = await metrics(reporter)
    expect(text).toMatch(/^lapwing_anomalies_total\{severity="critical",service="reporter"\} 1$/m)
    expect(text).toMatch(/^lapwing_anomalies_total\{severity="info",service="reporter"\} 0$/m)
    expect(text).toMatch(/^lapwing_anomalies_open\{service="reporter"\} 1$/m)
    expect(text).toMatch(/^lapwing_series\{state="anomalous",service="reporter"\} 1$/m)
    expect(Number(/^lapwing_pipeline_lag_seconds\{.*\} (.+)$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(2)
  })

  test('while the log is down the page says so, and goes on when it is there', async () => {
    const real = createInProcessLog()
    let isDown = true
    const log = new Proxy(real, {
      get: (target, name: keyof Log) => {
        if (name === 'ensureTopics' && isDown) return () => Promise.reject(new LogError('unreachable'))
        const member = target[name]
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
    const port = await freePort()
    const starting = run({ port }, log)
    const url = `http://127.0.0.1:${port}`
    const waiting = ({ waitingFor }: Overview) => waitingFor.some((sentence) => sentence.includes('the log does not answer'))
    const askedEarly = () => json<Overview>(`${url}/api/v1/overview`).catch(() => ({ waitingFor: [] }) as unknown as Overview)
    await until(askedEarly, waiting)
    expect((await fetch(`${url}/readyz`)).status).toBe(503)
    expect((await fetch(url)).status).toBe(200)
    isDown = false
    await starting
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    await real.close()
  })

  test('a record that cannot be decoded is counted and passed over', async () => {
    const reporter = await run()
    await reporter.writeBytes('scores', Buffer.from('not a record'))
    await reporter.write('ScoreBatch', [{ ...batch(1000), scores: Buffer.alloc(3) }, batch(2000)])
    await until(
      () => seriesOf(reporter),
      ({ total }) => total === 1,
    )
    expect(await metrics(reporter)).toMatch(/^lapwing_reporter_damaged_records_total\{topic="scores",service="reporter"\} 2$/m)
  })

  test('after a restart it is as before, from the log alone', async () => {
    const log = createInProcessLog()
    const before = await runReporter({}, log)
    await before.write('ScoreBatch', [batch(1000), batch(2000)])
    await before.write('Anomaly', [opened])
    const read = async (reporter: RunningReporter) => [await seriesOf(reporter), await anomaliesOf(reporter)] as const
    const seen = await until(
      () => read(before),
      ([series, anomalies]) => series.series[0]?.recent.length === 2 && anomalies.length === 1,
    )
    await before.close()
    const after = await run({}, log)
    await until(
      () => read(after),
      (again) => JSON.stringify(again) === JSON.stringify(seen),
    )
    await log.close()
  })

  test('appends anomalies to output_csv, once each also over a restart', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'lapwing-csv-'))
    const path = join(directory, 'deep', 'results.csv')
    const log = createInProcessLog()
    const before = await runReporter({ output_csv: path }, log)
    await before.write('Anomaly', [opened])
    const rows = () =>
      until(
        async () => metrics(before),
        (text) => /^lapwing_csv_rows_total\{.*\} 1$/m.test(text),
      )
    await rows()
    await before.close()
    const after = await run({ output_csv: path }, log)
    await after.write('Anomaly', [{ ...opened, id: 'a/resolved', state: 'resolved' }])
    await until(
      async () => metrics(after),
      (text) => /^lapwing_csv_rows_total\{.*\} 1$/m.test(text),
    )
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    expect(lines.map((line) => line.split(',').at(-3))).toEqual(['state', 'open', 'resolved'])
    rmSync(directory, { recursive: true })
  })

  test('live events tell of series and anomalies', async () => {
    const reporter = await run()
    const abort = new AbortController()
    const response = await fetch(`${reporter.url}/api/v1/events`, { signal: abort.signal })
    expect(response.headers.get('content-security-policy')).toMatch(/default-src 'none'/)
    await reporter.write('ScoreBatch', [batch(Date.now())])
    await reporter.write('Anomaly', [opened])
    let text = ''
    const deadline = setTimeout(() => abort.abort(), 25_000)
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
      text += part
      if (['overview', 'series', 'anomaly'].every((name) => text.includes(`event: ${name}\n`))) break
    }
    clearTimeout(deadline)
    expect(text).toContain('"episodeId":"a"')
  })

  test('the page comes with a policy that allows nothing from elsewhere, and its assets', async () => {
    const reporter = await run()
    const page = await fetch(reporter.url)
    const html = await page.text()
    const assets = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path)
    expect(page.headers.get('content-security-policy')).toMatch(/script-src 'self'; style-src 'self'; connect-src 'self'/)
    expect(assets).toHaveLength(2)
    for (const path of assets)
      expect((await fetch(reporter.url + path)).headers.get('content-type')).toMatch(/^text\/(javascript|css)/)
  })
})
