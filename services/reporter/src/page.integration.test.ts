/** The page in a real browser over a running reporter. Screenshots go to the folder that LAPWING_SCREENSHOTS names, if any. */
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { hasBrowser, takeScreenshot } from '../testing/page-browser.ts'
import { pageUnderTest } from '../testing/page-under-test.ts'
import { anomaly, notification, retrain } from '../testing/records.ts'
import { until } from '../testing/running-reporter.ts'
import { keyOf, labelled, scoreBatch } from '../testing/score-batch.ts'
import { faultyLabels, shopSeries } from '../testing/shop.ts'

if (!hasBrowser) console.log('page tests skipped: there is no Chromium')

const stepMs = 5000
const nowMs = Math.floor(Date.now() / stepMs) * stepMs
const faultFromMs = nowMs - 90_000
const times = { fromMs: nowMs - 3_600_000, toMs: nowMs, stepMs, fault: { fromMs: faultFromMs, toMs: nowMs + 3_600_000 } }
const opened = anomaly({
  id: 'fault/open',
  episodeId: 'fault',
  labels: faultyLabels,
  severity: 'critical',
  startedAtMs: faultFromMs,
  observedAtMs: faultFromMs + 10_000,
  value: 0.79,
  expected: 0.19,
  lower: 0.17,
  upper: 0.21,
  score: 2.6,
  peakScore: 3.2,
  reasons: [
    { name: 'spike', share: 0.7 },
    { name: 'level', share: 0.3 },
  ],
})

describe.skipIf(!hasBrowser)('page', () => {
  const { start, open, complaintsBut } = pageUnderTest()

  /** Points of the value chart's canvas that something was drawn on. */
  const drawnPixels = (page: Page) =>
    page.evaluate<number>(`(() => {
      const canvas = document.querySelector('.chart canvas')
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      return data.filter((_, i) => i % 4 === 3 && data[i] > 0).length
    })()`)
  const rows = (page: Page, count: number) =>
    until(
      () => page.locator('.row').count(),
      (seen) => seen === count,
    )
  const title = (page: Page, text: string) =>
    until(
      () => page.locator('.panel h1').textContent(),
      (seen) => seen === text,
    )

  test('is never empty: it says what it waits for, and fills by itself', async () => {
    const reporter = await start()
    const page = await open()
    await page.getByText('waiting for the ingestor').waitFor()
    await takeScreenshot(page, 'waiting')
    await reporter.write('ScoreBatch', [scoreBatch(shopSeries(times))])
    await page.locator('.chart canvas').first().waitFor()
    expect(await page.locator('.row').count()).toBe(24)
    expect(await page.getByText('waiting for the ingestor').count()).toBe(0)
  })

  test('shows an anomaly as it happens, with its story', async () => {
    const reporter = await start()
    await reporter.write('ScoreBatch', [scoreBatch(shopSeries({ ...times, toMs: faultFromMs }))])
    const page = await open()
    await page.getByText('No anomaly so far').waitFor()
    const calm = await page.locator('.row .state.anomalous').count()
    await reporter.write('ScoreBatch', [scoreBatch(shopSeries({ ...times, fromMs: faultFromMs }))])
    await reporter.write('Anomaly', [opened])
    await reporter.write('Control', [retrain({ id: 'r', seriesKey: keyOf(faultyLabels), requestedAtMs: nowMs - 1_500_000 })])
    await page.locator('.anomaly.open').waitFor()
    await page.locator('.row:first-child .state.anomalous').first().waitFor()
    expect(calm).toBe(0)
    expect(await page.locator('.panel h1').textContent()).toContain('http_request_duration_p95_seconds')
    const row = page.locator('.anomaly')
    expect(await row.textContent()).toMatch(
      /critical[\s\S]*790 ms[\s\S]*170 ms to 210 ms[\s\S]*spike\s+70 %[\s\S]*still open[\s\S]*not yet/,
    )
    expect(await drawnPixels(page)).toBeGreaterThan(1000)

    await reporter.write('Notification', [
      notification({ id: 'n1', alertId: 'fault', atMs: nowMs }),
      notification({
        id: 'n2',
        alertId: 'fault',
        receiver: 'alertmanager',
        outcome: 'suppressed',
        reason: 'below_severity',
        atMs: nowMs,
      }),
    ])
    await page.getByText('held back: below severity').waitFor()
    await row.getByRole('button').click()
    await page.getByText('opened as critical: 790 ms, score 2.6').waitFor()
    expect(new URL(page.url()).searchParams.get('anomaly')).toBe('fault')
    await takeScreenshot(page, 'anomaly-light')

    await reporter.write('Anomaly', [
      { ...opened, id: 'fault/resolved', state: 'resolved', endedAtMs: nowMs, observedAtMs: nowMs, value: 0.19 },
    ])
    await page.getByText('none open').waitFor()
    await page.getByText('ended: the series was normal again').waitFor()
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByRole('heading', { name: 'Ended lately' }).waitFor()
    expect(await page.locator('.lately').textContent()).toMatch(
      /critical http_request_duration_p95_seconds[\s\S]*spike · lasted 1 min 30 s/,
    )
  })

  test('is searched, filtered and walked by keyboard, and its address brings it back', async () => {
    const reporter = await start()
    await reporter.write('ScoreBatch', [scoreBatch(shopSeries(times))])
    const page = await open()
    await page.locator('.row').first().waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('memory cart')
    await rows(page, 1)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await title(page, 'process_resident_memory_bytes')
    const again = await open(new URL(page.url()).search)
    await title(again, 'process_resident_memory_bytes')
    expect(await again.getByRole('searchbox').inputValue()).toBe('memory cart')

    await again.getByRole('searchbox').fill('nothing like it')
    await again.getByText('No series matches').waitFor()
    await again.getByRole('button', { name: 'Show all 24' }).click()
    await rows(again, 24)
    await again.getByRole('button', { name: '1 warming' }).click()
    await rows(again, 1)
    expect(await again.locator('.row .state').textContent()).toBe('warming 62 %')
    await again.goBack()
    await rows(again, 24)
  })

  test('hostile labels are text', async () => {
    const reporter = await start()
    const hostile = [
      '<img src=x onerror=alert(1)>',
      '</script><script>alert(1)</script>',
      '{{constructor}}',
      '"><svg onload=alert(1)>',
      '\u202egnp.exe',
    ]
    const series = hostile.map((text) => labelled(text, { [text]: text, __proto: text }))
    await reporter.write('ScoreBatch', [
      scoreBatch(series.map((labels) => ({ labels, samples: [{ timestampMs: nowMs, value: 1 }] }))),
    ])
    await reporter.write(
      'Anomaly',
      series.map((labels, i) => anomaly({ id: `h${i}`, episodeId: `h${i}`, labels, startedAtMs: nowMs })),
    )
    const page = await open()
    await page
      .locator('.anomaly')
      .nth(hostile.length - 1)
      .waitFor()
    expect((await page.locator('.row .name').allTextContents()).sort()).toEqual([...hostile].sort())
    expect(await page.locator('img, script:not([src]), svg[onload]').count()).toBe(0)
    for (const text of hostile) expect(await page.locator('.anomalies').textContent()).toContain(text)
  })

  test.each([
    ['dark', { colorScheme: 'dark', viewport: { width: 1440, height: 900 } }, 'rgb(12, 17, 16)'],
    ['light', { colorScheme: 'light', viewport: { width: 1440, height: 900 } }, 'rgb(243, 245, 244)'],
    ['narrow', { colorScheme: 'dark', viewport: { width: 390, height: 844 } }, 'rgb(12, 17, 16)'],
  ] as const)('fits: %s', async (name, options, ground) => {
    const reporter = await start()
    await reporter.write('ScoreBatch', [scoreBatch(shopSeries(times))])
    await reporter.write('Anomaly', [opened])
    const page = await open('/', options)
    await page.locator('.anomaly').waitFor()
    await page.locator('.chart canvas').first().waitFor()
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(ground)
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
    if (name !== 'narrow') expect(await page.evaluate('document.documentElement.scrollHeight <= innerHeight')).toBe(true)
    await page.waitForFunction("document.querySelector('.chart canvas').getBoundingClientRect().right <= innerWidth")
    await takeScreenshot(page, name)
  })

  test('says that the connection is lost, and comes back with what it missed', async () => {
    const before = await start()
    const port = Number(new URL(before.url).port)
    await before.write('ScoreBatch', [scoreBatch(shopSeries(times))])
    const page = await open()
    await page.locator('.connection.live').waitFor()
    await before.close()
    await page.locator('.connection.lost').waitFor()
    const reporter = await start({ port })
    await reporter.write('ScoreBatch', [scoreBatch(shopSeries(times))])
    await reporter.write('Anomaly', [opened])
    await page.locator('.connection.live').waitFor()
    await page.locator('.anomaly').waitFor()
    // Failed requests while nobody listened are what this test is about.
    complaintsBut('')
  })
})
