/** The explorer in a real browser over a real Prometheus with eight hours of history: what is right, what is wrong, what is watched and what is not. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@lapwing/kafka-server/free-port'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingPrograms, type Server, startPrometheus } from '../../../../test/servers.ts'
import { accessibilityProblems, hasBrowser, takeScreenshot } from '../../testing/page-browser.ts'
import { pageUnderTest } from '../../testing/page-under-test.ts'
import { anomaly } from '../../testing/records.ts'
import { until } from '../../testing/running-reporter.ts'
import { labelled, scoreBatch } from '../../testing/score-batch.ts'

const missing = missingPrograms(['prometheus', 'promtool'])
const isPossible = hasBrowser && missing.length === 0
if (!isPossible) console.log(`tests of the explorer skipped: no ${hasBrowser ? missing.join(', ') : 'Chromium'}`)

const stepMs = 15_000
const nowMs = Math.floor(Date.now() / stepMs) * stepMs
const jumpMs = nowMs - 1_800_000
const watched = labelled('queue_length', { instance: 'shop-1:8080' })

/** Two series of waves; one of them jumps half an hour ago. */
function history(): string {
  const lines = ['# TYPE queue_length gauge', '# TYPE pool_used gauge']
  const samples: string[] = []
  for (let atMs = nowMs - 9 * 3_600_000; atMs <= nowMs; atMs += stepMs) {
    const wave = Math.sin(atMs / 600_000) + 0.1 * Math.sin(atMs * 7.7)
    const at = atMs / 1000
    samples.push(`queue_length{instance="shop-1:8080"} ${20 + wave} ${at}`)
    samples.push(`pool_used{instance="shop-1:8080"} ${50 + wave + (atMs >= jumpMs ? 40 : 0)} ${at}`)
  }
  const of = (name: string) => samples.filter((line) => line.startsWith(name))
  return [lines[0], ...of('queue_length'), lines[1], ...of('pool_used'), '# EOF', ''].join('\n')
}

describe.skipIf(!isPossible)('explorer', () => {
  const { start, open, complaintsBut } = pageUnderTest()
  let prometheus: Server
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lapwing-explorer-'))
    await writeFile(join(folder, 'history.txt'), history())
    prometheus = await startPrometheus(await freePort(), 'http://127.0.0.1:9', { history: join(folder, 'history.txt') })
  })
  afterAll(async () => {
    await prometheus?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  async function withWatchedSeries(): Promise<void> {
    const reporter = await start({}, undefined, { ingestor: { prometheus_url: prometheus.url } })
    const samples = Array.from({ length: 100 }, (_, i) => ({ timestampMs: nowMs - (100 - i) * stepMs, value: 20 + i / 100 }))
    const odd = { score: 2, state: 'anomalous', reason: 'spike', value: 30, timestampMs: nowMs } as const
    await reporter.write('ScoreBatch', [scoreBatch([{ labels: watched, samples: [...samples, odd] }])])
    await reporter.write('Anomaly', [anomaly({ id: 'q/open', episodeId: 'q', labels: watched, startedAtMs: nowMs })])
    await until(
      async () => (await (await fetch(`${reporter.url}/api/v1/anomalies`)).json()) as unknown[],
      (anomalies) => anomalies.length === 1,
    )
  }

  test('an expression that is wrong is shown with what Prometheus says, and a caret under the place', async () => {
    await withWatchedSeries()
    const page = await open('/?view=explore')
    const field = page.getByLabel('PromQL expression')
    await field.fill('sum by (instance)\n  (rate(queue_length[5m)')
    await page.getByRole('button', { name: 'Evaluate' }).click()
    const refusal = page.getByRole('alert')
    await refusal.waitFor()
    expect(await refusal.locator('p').textContent()).toMatch(/Prometheus refuses the query: .*2:\d+: parse error/)
    expect(await refusal.locator('pre').textContent()).toBe(
      'sum by (instance)\n  (rate(queue_length[5m)\n                       ^',
    )
    await takeScreenshot(page, 'explore-refused')
    expect(await accessibilityProblems(page)).toEqual([])
    expect(complaintsBut('400')).toEqual([])
  })

  test('a series that is watched comes with its state and its episodes', async () => {
    await withWatchedSeries()
    const page = await open('/?view=explore')
    await page.getByLabel('PromQL expression').fill('queue_length')
    await page.keyboard.press('Enter')
    await page.getByText('Lapwing watches this series').waitFor()
    expect(await page.locator('.panel .state').textContent()).toBe('anomalous')
    await page.getByText('because of spike').waitFor()
    const label = await page.locator('.chart [role=img]').getAttribute('aria-label')
    expect(label).toContain('30 now')
    expect(label).toContain('anomalies shown: 1')
    expect(new URL(page.url()).searchParams.get('promql')).toBe('queue_length')
    await page.getByRole('button', { name: 'Open it' }).click()
    await page.locator('.panel h1', { hasText: 'queue_length' }).waitFor()
    await page.goBack()
    await page.getByText('Lapwing watches this series').waitFor()
  })

  test('one that is not is scored for the view, and told how to watch', async () => {
    await withWatchedSeries()
    const page = await open(`/?${new URLSearchParams({ view: 'explore', promql: 'pool_used * 2' })}`)
    await page.getByText('Not watched.').waitFor()
    await page.getByText(/as if polled every 15 s: (one episode|\d+ episodes) in this time/).waitFor()
    expect(await page.getByLabel('Entry for the configuration').textContent()).toBe('metrics:\n  - "pool_used * 2"')
    await page.locator('.chart canvas').first().waitFor()
    await takeScreenshot(page, 'explore')
    expect(await accessibilityProblems(page)).toEqual([])
    await page.setViewportSize({ width: 390, height: 844 })
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.waitForFunction("document.querySelector('.chart canvas').getBoundingClientRect().right <= innerWidth")
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
    await takeScreenshot(page, 'explore-narrow')
    await page.getByRole('button', { name: '7d' }).click()
    await page.getByText('a point every 405 s').waitFor()
    await page.getByLabel('PromQL expression').fill('{__name__=~"queue_length|pool_used"}')
    await page.getByRole('button', { name: '1h' }).click()
    await page.getByText('2 series, 1 watched, a point every 15 s').waitFor()
    await page.getByRole('button', { name: 'pool_used' }).click()
    await page.getByText('Not watched.').waitFor()
  })

  test('words that no series has are evaluated with one click', async () => {
    await withWatchedSeries()
    const page = await open('/')
    await page.getByRole('searchbox').fill('pool_used')
    await page.getByRole('button', { name: 'Evaluate it as PromQL' }).click()
    await page.getByText('Not watched.').waitFor()
  })
})
