/** The bot of a Slack app, on the whole service with the log in memory, against what Slack documents of its Web API. */
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Log } from '@lapwing/stream/log'
import { expect, onTestFinished, test } from 'vitest'
import { startTestAlerter } from '../testing/alerter.ts'
import { anomalyRecord, episode, notificationsOf, sendAnomalies, settledBreaches } from '../testing/anomalies.ts'
import { eventually } from '../testing/eventually.ts'
import { type SlackTestApi, startSlackApi } from '../testing/slack-api.ts'

async function world() {
  const api = await startSlackApi()
  onTestFinished(api.stop)
  const log = createInProcessLog()
  return { api, log, ...(await alerterOn(log, api)) }
}

async function alerterOn(log: Log, api: SlackTestApi, token = api.token) {
  const section = { slack_bot_token: token, slack_channel: api.channelName, slack_api_url: api.url }
  const alerter = await startTestAlerter(log, section)
  onTestFinished(alerter.stop)
  return { alerter }
}

const shown = (api: SlackTestApi) =>
  api
    .messages()
    .map(
      ({ text, threadTs, isBroadcast }) =>
        `${threadTs ? `in thread${isBroadcast ? ' and channel' : ''} ` : ''}${text.split(':')[0]}`,
    )

test('an incident is one message that is kept up to date; what got worse is told in its thread, for everybody to see', async () => {
  const { api, log } = await world()
  const { opened, escalated, resolved } = episode('a')
  await sendAnomalies(log, opened)
  await eventually(() => expect(shown(api)).toEqual(['🟠 Warning']))
  await sendAnomalies(log, escalated)
  const worse = '🔴 Critical (was warning)'
  await eventually(() => expect(shown(api)).toEqual([worse, `in thread and channel ${worse}`]))
  await sendAnomalies(log, resolved)
  await eventually(() => expect(shown(api)).toEqual(['🟢 Resolved', `in thread and channel ${worse}`]))
  expect(api.messages()[0]).toMatchObject({ edits: 2 })
  expect(api.messages()[0]!.blocks.length).toBeGreaterThan(3)
  await eventually(async () => expect(await settledBreaches(log, 'slack', [opened, escalated, resolved])).toEqual([]))
})

test('the next process goes on with the message of the last', async () => {
  const { api, log, alerter } = await world()
  const { opened, resolved } = episode('a')
  await sendAnomalies(log, opened)
  await eventually(async () => expect(await settledBreaches(log, 'slack', [opened])).toEqual([]))
  await alerter.stop()
  await alerterOn(log, api)
  await sendAnomalies(log, resolved)
  await eventually(() => expect(shown(api)).toEqual(['🟢 Resolved']))
})

test('a message that somebody deleted is posted anew', async () => {
  const { api, log } = await world()
  const { opened, resolved } = episode('a')
  await sendAnomalies(log, opened)
  await eventually(() => expect(shown(api)).toEqual(['🟠 Warning']))
  api.delete(api.messages()[0]!.ts)
  await sendAnomalies(log, resolved)
  await eventually(() => expect(shown(api)).toEqual(['🟢 Resolved']))
})

test('a rate limit, a failure of Slack and an answer of somebody else are waited out', async () => {
  const { api, log } = await world()
  api.answerNext(
    { status: 429, body: '{"ok":false,"error":"ratelimited"}', headers: { 'retry-after': '1' } },
    { status: 200, body: '{"ok":false,"error":"internal_error"}' },
    { status: 200, body: '<html>a proxy</html>' },
  )
  const { opened } = episode('a')
  await sendAnomalies(log, opened)
  await eventually(() => expect(shown(api)).toEqual(['🟠 Warning']), 20_000)
  const pending = (await notificationsOf(log, 'slack')).filter(({ outcome }) => outcome === 'pending')
  expect(pending.map(({ reason }) => reason)).toEqual(['rate_limited', 'server_error', 'unexpected_answer'])
})

test('a refusal is a dead letter with the word of Slack and without the token', async () => {
  const api = await startSlackApi()
  onTestFinished(api.stop)
  const log = createInProcessLog()
  const { alerter } = await alerterOn(log, api, 'xoxb-0-an-old-token')
  const anomaly = anomalyRecord({ id: 'a/1', episodeId: 'a' })
  await sendAnomalies(log, anomaly)
  await eventually(async () => {
    const [refused] = (await notificationsOf(log, 'slack')).filter(({ outcome }) => outcome === 'dead_lettered')
    expect(refused?.error).toContain('invalid_auth')
  })
  expect(alerter.lines.join()).not.toContain('an-old-token')
})
