/** A mute from the button to the alerter and back, in a real browser over a running reporter and a running alerter on one log in memory. */
import { startTestAlerter } from '@lapwing/alerter/testing/alerter'
import { decode } from '@lapwing/contracts/codec'
import type { Notification } from '@lapwing/contracts/records'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { describe, expect, onTestFinished, test } from 'vitest'
import { accessibilityProblems, hasBrowser, takeScreenshot } from '../testing/page-browser.ts'
import { pageUnderTest } from '../testing/page-under-test.ts'
import { anomaly } from '../testing/records.ts'
import { type RunningReporter, until } from '../testing/running-reporter.ts'
import { labelled, scoreBatch } from '../testing/score-batch.ts'

if (!hasBrowser) console.log('tests of mutes on the page skipped: there is no Chromium')

const nowMs = Date.now()
const labels = labelled('queue_length', { instance: 'shop-1:8080', 'odd.name': 'a "b"\t' })
const episode = (episodeId: string, agoMs: number) =>
  anomaly({ id: `${episodeId}/open`, episodeId, labels, startedAtMs: nowMs - agoMs, observedAtMs: nowMs - agoMs + 10_000 })
const ended = (episodeId: string, agoMs: number) =>
  ({ ...episode(episodeId, agoMs), id: `${episodeId}/end`, state: 'resolved', endedAtMs: nowMs - agoMs + 20_000 }) as const

describe.skipIf(!hasBrowser)('a mute given on the page', () => {
  const { start, open, complaintsBut } = pageUnderTest()

  async function withAlerter(): Promise<RunningReporter> {
    const log = createInProcessLog()
    await log.ensureTopics(topicSpecs('test', 2))
    const reporter = await start({}, log)
    const alerter = await startTestAlerter(log, { route: { group_wait: '0s' }, flapping_hold: '1ms' }, 'test')
    onTestFinished(alerter.stop)
    await reporter.write('ScoreBatch', [scoreBatch([{ labels, samples: [{ timestampMs: nowMs, value: 1 }] }])])
    return reporter
  }

  /** What was told of an episode, once it holds. */
  const told = (reporter: RunningReporter, episodeId: string, holds: (found: readonly Notification[]) => boolean) =>
    until(
      async () => {
        const records = await reporter.log.readToEnd(topicName('test', 'notifications'))
        return records.map(({ value }) => decode('Notification', value!)).filter(({ alertId }) => alertId === episodeId)
      },
      holds,
      30_000,
    )

  test('keeps the next notification back, with who and why, until it is taken back', async () => {
    const reporter = await withAlerter()
    await reporter.write('Anomaly', [episode('first', 120_000)])
    await told(reporter, 'first', (found) => found.some(({ outcome }) => outcome === 'delivered'))
    const page = await open('/?anomaly=first')
    await page.getByLabel('muted by').fill('ann')
    expect(await page.getByRole('button', { name: 'Mute', exact: true }).isDisabled()).toBe(true)
    await page.getByLabel('reason', { exact: true }).fill('the database moves')
    await page.getByRole('button', { name: 'Mute', exact: true }).click()
    await page.getByText('Written down. Who is told').waitFor()
    await page.locator('.mute .said').scrollIntoViewIfNeeded()
    await takeScreenshot(page, 'muted')
    expect(await accessibilityProblems(page)).toEqual([])

    await reporter.write('Anomaly', [ended('first', 120_000), episode('second', 60_000)])
    const [held] = await told(reporter, 'second', (found) => found.length > 0)
    expect(held).toMatchObject({ outcome: 'pending', reason: 'muted' })
    expect(held!.error).toMatch(/^[0-9a-f]{32} by ann: the database moves$/)

    await page.getByRole('link', { name: 'Overview' }).click()
    const muted = page.locator('.card .mute')
    await muted.getByText('the database moves').waitFor()
    expect(await muted.locator('code').textContent()).toBe(
      String.raw`metric="queue_length", instance="shop-1:8080", U__odd_2e_name="a \"b\"\t"`,
    )
    await muted.getByRole('button', { name: 'Take back' }).click()
    await muted.waitFor({ state: 'detached' })
    await told(reporter, 'second', (found) => found.at(-1)?.outcome === 'delivered')
    const records = await reporter.log.readToEnd(topicName('test', 'mutes'))
    expect(decode('Mute', records.at(-1)!.value!)).toMatchObject({
      author: 'ann',
      liftedBy: 'ann',
      comment: 'the database moves',
    })
  })

  test('needs a token that may write, and what it says of its author is the name of the token', async () => {
    const log = createInProcessLog()
    const text = 'a-long-random-text-of-ann'
    const tokens = [
      { name: 'ann', token: text, scopes: ['read', 'write'] },
      { name: 'bob', token: `${text}-bob`, scopes: ['read'] },
    ] as const
    const reporter = await start({ tokens: tokens.map((token) => ({ ...token, scopes: [...token.scopes] })) as never }, log)
    await reporter.write('Anomaly', [episode('first', 120_000)])
    const ask = (path: string, token: string, body: object) =>
      fetch(`${reporter.url}/api/v1/${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    const mute = { comment: 'moves', forMs: 3_600_000 }
    await until(
      async () => (await ask('anomalies/first/mute', `${text}-bob`, mute)).status,
      (status) => status === 403,
    )
    const given = await until(
      () => ask('anomalies/first/mute', text, mute),
      ({ status }) => status === 202,
    )
    const { id, author } = (await given.json()) as { id: string; author: string }
    expect(author).toBe('ann')
    expect((await ask('anomalies/first/mute', text, { forMs: 3_600_000, comment: ' ' })).status).toBe(400)
    expect((await ask('anomalies/first/mute', text, { ...mute, forMs: 31 * 86_400_000 })).status).toBe(400)
    expect((await ask('mutes/absent/lift', text, {})).status).toBe(404)
    await until(
      () => ask(`mutes/${id}/lift`, text, {}),
      ({ status }) => status === 202,
    )
    await until(
      () => ask(`mutes/${id}/lift`, text, {}),
      ({ status }) => status === 409,
    )
    expect(complaintsBut('')).toEqual([])
  })
})
