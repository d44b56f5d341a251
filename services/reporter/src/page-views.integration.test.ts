/** The views of the page and what people do on them, in a real browser over a running reporter, on one log in memory. */
import { decode } from '@lapwing/contracts/codec'
import type { Anomaly, Feedback, Model, ServiceSettings } from '@lapwing/contracts/records'
import { topicName } from '@lapwing/contracts/topics'
import { emptyModel, planRecord } from '@lapwing/models/registry'
import { progressMetrics } from '@lapwing/models/training-progress'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { accessibilityProblems, hasBrowser, takeScreenshot } from '../testing/page-browser.ts'
import { pageUnderTest } from '../testing/page-under-test.ts'
import { anomaly, notification, retrain } from '../testing/records.ts'
import type { runReporter } from '../testing/running-reporter.ts'
import { until } from '../testing/running-reporter.ts'
import { keyOf, labelled, scoreBatch } from '../testing/score-batch.ts'
import { faultyLabels, shopSeries } from '../testing/shop.ts'

if (!hasBrowser) console.log('tests of the views skipped: there is no Chromium')

const stepMs = 5000
const nowMs = Math.floor(Date.now() / stepMs) * stepMs
const faultFromMs = nowMs - 90_000
const times = { fromMs: nowMs - 3_600_000, toMs: nowMs, stepMs, fault: { fromMs: faultFromMs, toMs: nowMs + 3_600_000 } }
const episodeId = '3f2a91c04b7d88aa3f2a91c04b7d88aa'
const opened = anomaly({
  ...{ id: 'ab12cd34ab12cd34ab12cd34ab12cd34', episodeId, labels: faultyLabels, severity: 'critical' },
  ...{ startedAtMs: faultFromMs, observedAtMs: faultFromMs + 10_000 },
  ...{ value: 0.79, expected: 0.19, lower: 0.17, upper: 0.21, score: 2.6, peakScore: 3.2 },
  reasons: [
    { name: 'spike', share: 0.7 },
    { name: 'level', share: 0.3 },
  ],
})
const beside = anomaly({
  ...{ id: 'beside/open', episodeId: 'beside', startedAtMs: faultFromMs + 5000, observedAtMs: faultFromMs + 15_000 },
  labels: labelled('http_error_ratio', { service: 'checkout', instance: 'checkout-1:8080', job: 'shop' }),
  ...{ value: 0.09, expected: 0.004, lower: 0.002, upper: 0.006 },
})
const told = notification({ id: 'n1', alertId: episodeId, atMs: nowMs - 60_000 })
const held = notification({
  ...{ id: 'n2', alertId: episodeId, receiver: 'alertmanager', outcome: 'suppressed', reason: 'flapping', atMs: nowMs - 50_000 },
})
const model = (modelId: string, about: Partial<Model>): Model => ({
  ...{ ...emptyModel, modelId, scope: `entity:${'a'.repeat(32)}`, kind: 'pca', sha256: 'ff', trainedRows: 2880 },
  ...{ labels: [{ name: 'instance', value: 'checkout-1:8080' }], channels: ['a', 'b', 'c'], trainedFromMs: nowMs - 1e8 },
  ...{
    trainedToMs: nowMs - 1e7,
    createdAtMs: nowMs - 9e6,
    stateAtMs: nowMs - 8e6,
    reason: 'its scores moved',
    state: 'promoted',
  },
  ...{
    metrics: [
      { name: 'precision', value: 0.92 },
      { name: 'recall', value: 0.8 },
    ],
    decision: 'better on the held-back day',
  },
  ...about,
})

describe.skipIf(!hasBrowser)('views of the page', () => {
  const { reporter, start, open, complaintsBut } = pageUnderTest()

  async function withShop(settings: Parameters<typeof runReporter>[0] = {}): Promise<void> {
    const reporter = await start(settings)
    await reporter.write('ScoreBatch', [scoreBatch(shopSeries(times))])
    await reporter.write('Anomaly', [opened, beside])
    await reporter.write('Notification', [told, held])
    await reporter.write('Control', [
      retrain({ id: 'r', seriesKey: keyOf(faultyLabels), labels: faultyLabels, requestedAtMs: nowMs - 1.5e6 }),
    ])
    await reporter.write('Model', [model('pca/1', { createdAtMs: nowMs - 9e7, stateAtMs: nowMs - 8e7 }), model('pca/2', {})])
    await until(
      async () => (await (await fetch(`${reporter.url}/api/v1/models`)).json()) as { models: unknown[] },
      ({ models }) => models.length === 2,
    )
  }

  const feedback = async () =>
    (await reporter().log.readToEnd(topicName('test', 'feedback'))).map(({ value }) => decode('Feedback', value!))
  /** The newest record, once it says so; older ones under the same key may have been compacted away. */
  const said = async (verdict: Feedback['verdict']) => {
    const newest = await until(
      async () => (await feedback()).at(-1),
      (record) => record?.verdict === verdict,
    )
    return newest!
  }

  test('from an empty page to the first anomaly, to a verdict on the topic, and back', async () => {
    const reporter = await start()
    const page = await open()
    await page.getByText('Nothing to show yet').waitFor()
    await reporter.write('ScoreBatch', [scoreBatch(shopSeries(times))])
    await reporter.write('Anomaly', [opened, beside])
    await page.locator('.anomaly').filter({ hasText: 'latency' }).or(page.locator('.anomaly').first()).first().waitFor()
    await page.locator('.anomaly', { hasText: 'critical' }).getByRole('button').click()
    await page.getByText('The value jumped away from what was expected').waitFor()

    await page.getByLabel('comment').fill('the nightly backup')
    await page.getByLabel('your name').fill('ann')
    await page.getByRole('button', { name: 'False alarm' }).click()
    await page.getByText('false alarm by ann (page)').waitFor()
    expect(await said('false_alarm')).toMatchObject({
      ...{
        verdict: 'false_alarm',
        anomalyId: opened.id,
        episodeId,
        author: 'ann',
        comment: 'the nightly backup',
        origin: 'page',
      },
    })

    await page.getByRole('button', { name: 'Take back' }).click()
    await page.getByRole('button', { name: 'It was real' }).waitFor()
    expect(await said('undone')).toMatchObject({ verdict: 'undone', anomalyId: opened.id, author: 'ann' })

    await page.getByLabel('expected for').selectOption('1 h')
    await page.getByRole('button', { name: 'Expected', exact: true }).click()
    await page.getByText('expected by ann').waitFor()
    const { untilMs, atMs } = await said('expected')
    expect(untilMs! - atMs).toBe(3_600_000)
  })

  test('an anomaly tells its story, what went on beside it, and how to mute it', async () => {
    await withShop()
    const page = await open(`/?anomaly=${episodeId}`)
    await page.getByText('held back: flapping').last().waitFor()
    await page.getByText('opened as critical: 790 ms').waitFor()
    await page.getByRole('button', { name: 'http_error_ratio' }).first().waitFor()
    await page.locator('.mute').scrollIntoViewIfNeeded()
    await takeScreenshot(page, 'incident')
    await page.getByText('Mute it in a file that people review').click()
    const command = await page.getByLabel('Command that mutes this series').textContent()
    expect(command).toContain(`./lapwing mute add \\\n  -m 'metric="http_request_duration_p95_seconds"'`)
    expect(await accessibilityProblems(page)).toEqual([])
  })

  test('an episode says why it ended, in the list, in its story and in the overview', async () => {
    await withShop()
    const ended = (id: string, about: Partial<Anomaly>): Anomaly[] => {
      const labels = labelled('queue_depth', { queue: id })
      const first = anomaly({ id: `${id}/1`, episodeId: id, labels, startedAtMs: faultFromMs, observedAtMs: faultFromMs })
      return [first, { ...first, id: `${id}/2`, state: 'resolved', observedAtMs: nowMs, endedAtMs: nowMs, value: 2, ...about }]
    }
    await reporter().write('Anomaly', [
      ...ended('as-before', {}),
      ...ended('gone', { value: Number.NaN }),
      ...ended('lost', { value: Number.NaN, endReason: 'began_anew' }),
    ])
    const isKnown = async () =>
      (await (await fetch(`${reporter().url}/api/v1/anomalies/lost`)).json()) as { anomaly?: { state: string } }
    await until(isKnown, ({ anomaly: found }) => found?.state === 'resolved')
    const page = await open('/?anomaly=gone')
    await page.getByText('ended: the series went away').waitFor()
    await page.getByText('This series is not shown: it has ended').waitFor()
    const lasted = (queue: string) => page.locator('.anomaly', { hasText: queue }).locator('.lasted').textContent()
    expect(await lasted('gone')).toMatch(/series gone$/)
    expect(await lasted('lost')).toMatch(/began anew$/)
    expect(await lasted('as-before')).toMatch(/s$/)
    await takeScreenshot(page, 'ended')
    await page.locator('.anomaly', { hasText: 'as-before' }).getByRole('button').click()
    await page.getByText('ended: the series was normal again (2').waitFor()
    await page.locator('.anomaly', { hasText: 'lost' }).getByRole('button').click()
    await page.getByText('ended: its detector began anew').waitFor()
    await page.getByRole('link', { name: 'Overview' }).click()
    await page
      .locator('.lately')
      .getByText(/lost · spike · lasted .* · began anew/)
      .waitFor()
    // Of a series without scores the browser itself tells that there was none.
    expect(complaintsBut('404')).toEqual([])
  })

  test('a link to an anomaly shows it although a hundred are newer, and says so when it is not kept any more', async () => {
    await withShop()
    const newer = Array.from({ length: 120 }, (_, i) => anomaly({ id: `n${i}/1`, episodeId: `n${i}`, startedAtMs: nowMs + i }))
    await reporter().write('Anomaly', newer)
    await until(
      async () => (await fetch(`${reporter().url}/api/v1/anomalies/n119`)).status,
      (status) => status === 200,
    )
    const page = await open(`/?anomaly=${episodeId}`)
    await page.getByText('opened as critical: 790 ms').waitFor()
    const narrow = await open(`/?anomaly=${episodeId}`, { viewport: { width: 380, height: 800 } })
    await narrow.getByText('opened as critical: 790 ms').waitFor()
    await until(
      async () => (await narrow.locator('.anomaly.opened').boundingBox())!.y,
      (top) => top < 800,
    )
    await page.goto(`${reporter().url}/?anomaly=nobody`)
    await page.getByText('The anomaly of this address is not kept any more').waitFor()
    expect(complaintsBut('404')).toEqual([])
  })

  test('series that have ended are counted apart, and found by themselves', async () => {
    await withShop()
    const gone = (name: string) => ({
      labels: labelled(name, { pod: 'old' }),
      samples: [{ timestampMs: nowMs - 7_200_000, value: 7 }],
    })
    await reporter().write('ScoreBatch', [scoreBatch([gone('was_here'), gone('was_there')])])
    const page = await open('/')
    await page.getByRole('button', { name: '24 series' }).waitFor()
    await page.getByRole('button', { name: '2 ended' }).click()
    await rowCount(page, 2)
    await page
      .getByText(/^ended, last sample/)
      .first()
      .waitFor()
    await takeScreenshot(page, 'ended-series')
    expect(await accessibilityProblems(page)).toEqual([])
    expect(new URL(page.url()).searchParams.get('state')).toBe('ended')
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.locator('.states').getByText('for an hour or more').waitFor()
  })

  test('an anomaly of a pod tells what happened to the pod', async () => {
    await withShop()
    const labels = labelled('queue_depth', { namespace: 'shop', pod: 'cart-1' })
    const inPod = anomaly({ id: 'in-pod/open', episodeId: 'in-pod', labels, startedAtMs: faultFromMs, observedAtMs: faultFromMs })
    const killed = { kind: 'container_ended', container: 'app', reason: 'OOMKilled', exitCode: 137, restarts: 4 } as const
    const where = { namespace: 'shop', pod: 'cart-1', node: 'node-7', message: '', atMs: faultFromMs - 180_000 }
    await reporter().write('PodEvent', [{ id: 'event', ...killed, ...where }])
    await reporter().write('ScoreBatch', [scoreBatch([{ labels, samples: [{ timestampMs: nowMs, value: 7 }] }])])
    await reporter().write('Anomaly', [inPod])
    const isKnown = async () => (await fetch(`${reporter().url}/api/v1/anomalies/in-pod`)).status
    await until(isKnown, (status) => status === 200)
    const page = await open('/?anomaly=in-pod')
    await page.getByText('container app ended (OOMKilled, exit code 137), restarted 4 times').waitFor()
    await page.getByText('3 min before').waitFor()
  })

  test('the overview says what is wrong, how often it was right, how late, and gives everything away as a file', async () => {
    await withShop()
    const judge = (about: Partial<Feedback>): Feedback => ({
      ...{
        id: 'f',
        anomalyId: opened.id,
        episodeId,
        seriesKey: opened.seriesKey,
        verdict: 'confirmed',
        author: 'ann',
        comment: '',
      },
      ...{ origin: 'slack', atMs: nowMs, untilMs: null, startedAtMs: faultFromMs, signature: null, ...about },
    })
    await reporter().write('Feedback', [judge({}), judge({ anomalyId: beside.id, episodeId: 'beside', verdict: 'false_alarm' })])
    const page = await open('/?view=overview')
    await page.getByText('50 %').waitFor()
    expect(await page.locator('.incidents > li').count()).toBe(1)
    expect(await page.locator('.incidents').textContent()).toMatch(
      /critical checkout-1:8080 · shop · checkout[\s\S]*people were told/,
    )
    expect(await page.locator('.states').textContent()).toMatch(/anomalous1|ok22/)
    const downloads = page.waitForEvent('download')
    await page.getByRole('link', { name: 'CSV' }).click()
    const file = await (await downloads).createReadStream()
    const text = (await file.toArray()).join('')
    expect(text.trim().split('\n')).toHaveLength(3)
    expect(text).toContain(',confirmed,"ann","slack",')
    await takeScreenshot(page, 'overview')
    expect(await accessibilityProblems(page)).toEqual([])
    await reporter().write('ScoreBatch', [scoreBatch(shopSeries(times).slice(0, 1), { source: `{${'x'.repeat(80)}}` })])
    await page.setViewportSize({ width: 380, height: 800 })
    await page.getByText('xxxx').waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
    await page.setViewportSize({ width: 1280, height: 800 })
    await page.getByRole('button', { name: 'http_request_duration' }).click()
    await page.getByText('opened as critical').waitFor()
    await page.goBack()
    await page.getByText('Precision this week').waitFor()
  })

  test('queries that fail are said by what Prometheus says, where there is nothing else to see as well, until they work', async () => {
    const reporter = await start()
    const trouble = (n: number, message: string) => ({
      ...{ subject: `query-${n}`, text: `sum(rate(a_${n}[5m])`, reason: 'bad_query', message },
      ...{ sinceMs: Date.now() - 1_200_000, atMs: Date.now() },
    })
    const refused = 'Prometheus refuses the query: 1:21: parse error: unclosed left parenthesis'
    const settings = (troubles: ServiceSettings['troubles']): ServiceSettings => ({
      ...{ service: 'ingestor', instance: 'a/1', version: '1', startedAtMs: 1, atMs: Date.now(), yaml: '' },
      troubles,
    })
    await reporter.write('ServiceSettings', [settings([trouble(1, refused)])])
    const page = await open('/')
    await page.locator('.waiting').getByText(`a polled query fails: ${refused}`).waitFor()
    await takeScreenshot(page, 'failing-query-alone')
    await reporter.write('ScoreBatch', [scoreBatch(shopSeries(times))])
    await page.locator('.head').getByText(`a polled query fails: ${refused}`).waitFor()
    await page.getByRole('link', { name: 'Overview' }).click()
    const card = page.getByRole('region', { name: /^Queries that fail/ })
    await card.getByText(refused).waitFor()
    expect(await card.textContent()).toMatch(/sum\(rate\(a_1\[5m\]\) since .* \(20 min\)/)
    await takeScreenshot(page, 'failing-query')
    expect(await accessibilityProblems(page)).toEqual([])

    const away = Array.from({ length: 12 }, (_, n) => trouble(n + 2, 'Prometheus cannot be reached'))
    await reporter.write('ServiceSettings', [settings([trouble(1, refused), ...away])])
    await card.getByText('and 4 more queries').waitFor()
    expect(await card.locator('.failing > li').count()).toBe(2)
    const [runbook] = await Promise.all([
      page.context().waitForEvent('page'),
      card.getByRole('link').click({ modifiers: ['Control'] }),
    ])
    await runbook.getByText('correct the PromQL in').waitFor()

    await reporter.write('ServiceSettings', [settings([])])
    await card.waitFor({ state: 'detached' })
  })

  test('a model is rolled back with a reason', async () => {
    await withShop()
    const training = { state: 'requested', sha256: '', metrics: progressMetrics({ share: 0.42, leftSeconds: 180 }) } as const
    await reporter().write('Model', [
      model('pca/3', { ...training, createdAtMs: nowMs }),
      planRecord([{ scope: model('', {}).scope, atMs: nowMs + 10 * 3_600_000, reason: 'the schedule, 0 3 * * *' }]),
    ])
    const page = await open('/?view=models')
    await page.getByRole('row', { name: 'pca/2' }).getByText('in force').waitFor()
    expect(await page.getByRole('row', { name: 'pca/1' }).textContent()).toMatch(/replaced[\s\S]*precision 0.92/)
    await page.getByText('the mean score moved').waitFor()
    await page
      .getByRole('row', { name: 'pca/3' })
      .getByText(/42 %, 3 min left/)
      .waitFor()
    expect(await page.getByRole('progressbar').getAttribute('value')).toBe('0.42')
    await page
      .getByRole('row', { name: 'the schedule, 0 3' })
      .getByText(/^in 9 h 59 min|^in 10 h/)
      .waitFor()
    await takeScreenshot(page, 'models')
    await page.getByRole('button', { name: 'Roll back…' }).click()
    expect(await accessibilityProblems(page)).toEqual([])
    await page.setViewportSize({ width: 390, height: 844 })
    expect(await accessibilityProblems(page)).toEqual([])
    await page.getByLabel('why').fill('loud at night')
    await page.getByRole('button', { name: 'Roll back', exact: true }).click()
    await page.getByText('The trainer decides in a moment').waitFor()
    const records = await reporter().log.readToEnd(topicName('test', 'control'))
    expect(decode('Control', records.at(-1)!.value!)).toMatchObject({
      kind: 'rollback',
      scope: 'model:pca/2',
      reason: 'loud at night',
    })
  })

  test('without a Prometheus, exploring offers the series that come in, and says how to have one', async () => {
    await withShop()
    const page = await open('/?view=explore')
    await page.getByText('no Prometheus is configured').waitFor()
    await page.getByText('PROMETHEUS_URL=http://localhost:9090 npm start').waitFor()
    const metric = page.locator('.without-prometheus a').first()
    const search = (await metric.textContent())!
    await takeScreenshot(page, 'explore-without-prometheus')
    expect(await accessibilityProblems(page)).toEqual([])
    await metric.click()
    await page
      .locator('.row', { hasText: search.replace('{}', '') })
      .first()
      .waitFor()
    expect(new URL(page.url()).searchParams.get('search')).toBe(search)
  })

  test('the settings are there to be copied, the secrets are not', async () => {
    await withShop({ tokens: [{ name: 'ann', token: secretText as never, scopes: ['read', 'write'] }] }).catch(() => undefined)
    const page = await open('/?view=settings')
    await page.getByText('A token is needed').waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    await page.getByLabel('token').fill('wrong')
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByText('the token is not known').waitFor()
    await page.getByLabel('token').fill(secretText)
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByText('Not heard of: ingestor, detector, trainer, drift, alerter.').waitFor()
    await page.getByText('reporter', { exact: true }).click()
    await page.getByText('topic_prefix: test').waitFor()
    expect(await page.locator('body').textContent()).not.toContain(secretText)
    expect(await page.evaluate('document.cookie')).toBe('')
    await page.getByRole('button', { name: 'Copy' }).click()
    await page.getByText(/copied|selected/).waitFor()
    await takeScreenshot(page, 'settings')
    expect(await accessibilityProblems(page)).toEqual([])
    // What was refused before the token was given is told on the console by the browser itself.
    expect(complaintsBut('401')).toEqual([])
  })

  test('series are found by a selector, and one that cannot be read is told of where it is typed', async () => {
    await withShop()
    const page = await open()
    await page.locator('.row').first().waitFor()
    await page.getByRole('searchbox').fill('http_requests_per_second{service=~"cart|search"}')
    await rowCount(page, 2)
    await page.getByRole('searchbox').fill('{service="cart"')
    await page.getByText('the brace is not closed').waitFor()
    await rowCount(page, 2)
    await page.getByRole('searchbox').fill('{service="cart"}')
    await rowCount(page, 4)
    expect(complaintsBut('400')).toEqual([])
  })

  test.each(['light', 'dark'] as const)('an accessibility scan of the series view finds nothing: %s', async (colorScheme) => {
    await withShop()
    const page = await open('/', { colorScheme })
    await page.locator('.anomaly').first().waitFor()
    await page.locator('.chart canvas').first().waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
  })

  test('the views are reached and worked by keyboard alone', async () => {
    await withShop()
    const page = await open('/')
    await page.locator('.row').first().waitFor()
    const focused = (name: string) =>
      until(
        async () => {
          await page.keyboard.press('Tab')
          return page.evaluate<string>('document.activeElement.textContent')
        },
        (text) => text === name,
      )
    await focused('Models')
    await page.keyboard.press('Enter')
    await page.getByRole('row', { name: 'pca/2' }).waitFor()
    expect(new URL(page.url()).searchParams.get('view')).toBe('models')
    await focused('Roll back…')
    await page.keyboard.press('Enter')
    await page.getByLabel('why').waitFor()
  })

  test('200 hostile label values are text in every view', async () => {
    const reporter = await start()
    const series = hostileTexts(200).map((text, i) => labelled(text, { value: text, entity: String(i) }))
    await reporter.write('ScoreBatch', [
      scoreBatch(series.map((labels) => ({ labels, samples: [{ timestampMs: nowMs, value: 1 }] }))),
    ])
    await reporter.write(
      'Anomaly',
      series.map((labels, i) =>
        anomaly({
          ...{ id: `h${i}`, episodeId: `h${i}`, labels, startedAtMs: nowMs - i },
          entityKey: i.toString(16).padStart(32, '0'),
        }),
      ),
    )
    const page = await open('/')
    await until(
      () => page.locator('.anomaly').count(),
      (count) => count === 100,
      30_000,
    )
    expect((await page.locator('.row .name').allTextContents()).sort()).toEqual(hostileTexts(200).sort())
    await page.locator('.anomaly').first().getByRole('button').click()
    await page.getByText('Was it right to tell you?').waitFor()
    await nothingInjected(page)
    await page.getByRole('link', { name: 'Overview' }).click()
    await until(
      () => page.locator('.incidents > li').count(),
      (count) => count === 200,
    )
    await nothingInjected(page)
  })

  async function rowCount(page: Page, count: number): Promise<void> {
    await until(
      () => page.locator('.row').count(),
      (seen) => seen === count,
    )
  }

  async function nothingInjected(page: Page): Promise<void> {
    expect(await page.locator('img, iframe, object, script:not([src]), [onload], [onerror], [style*="expression"]').count()).toBe(
      0,
    )
    expect(await page.evaluate('globalThis.injected')).toBeUndefined()
  }
})

const secretText = 'a-long-random-text-of-ann'

const payloads = [
  '<img src=x onerror="injected=1">',
  '</script><script>injected=1</script>',
  '"><svg onload=injected=1>',
  "';injected=1;//",
  '{{constructor.constructor("injected=1")()}}',
  'javascript:injected=1',
  '<iframe srcdoc="<script>parent.injected=1</script>">',
  '$' + '{injected=1}',
  '\u202egnp.exe',
  '__proto__',
]

/** Different texts, each with something in it that must not be taken for markup or code. */
function hostileTexts(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${payloads[i % payloads.length]}${Math.floor(i / payloads.length) || ''}`)
}
