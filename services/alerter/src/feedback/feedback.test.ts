/** Verdicts over HTTP, from a button or a request to what receivers are told, on the whole service with the log in memory. */
import { decode } from '@lapwing/contracts/codec'
import type { Feedback } from '@lapwing/contracts/records'
import { topicName } from '@lapwing/contracts/topics'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Log } from '@lapwing/stream/log'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startTestAlerter, type TestAlerter } from '../../testing/alerter.ts'
import { episode, prefix, sendAnomalies } from '../../testing/anomalies.ts'
import { eventually } from '../../testing/eventually.ts'
import { buttonOf, pressOf, type SlackTestReceiver, startSlackReceiver } from '../../testing/slack-receiver.ts'

const signingSecret = 'signing-secret-of-the-app'
const token = 'token-of-the-api'

async function slack(): Promise<SlackTestReceiver> {
  const receiver = await startSlackReceiver()
  onTestFinished(receiver.stop)
  return receiver
}

/** With an incident that Slack was told of. */
async function world() {
  const log = createInProcessLog()
  const receiver = await slack()
  const answers = await slack()
  const section = { slack_webhook_url: receiver.url, slack_signing_secret: signingSecret, feedback_token: token }
  const alerter = await startTestAlerter(log, section)
  onTestFinished(alerter.stop)
  const { opened, resolved } = episode('a')
  await sendAnomalies(log, opened)
  await eventually(() => expect(receiver.taken()).toHaveLength(1))
  const press = (actionId: string, message = receiver.taken().at(-1)!) => {
    const value = buttonOf(message, actionId) ?? expect.fail(`no button ${actionId}`)
    return postSigned(alerter, pressOf({ signingSecret, actionId, value, responseUrl: answers.url }))
  }
  const title = () => receiver.taken().at(-1)!.text.split(':')[0]
  return { log, receiver, answers, alerter, opened, resolved, press, title }
}

type Signed = Pick<ReturnType<typeof pressOf>, 'body'> & { readonly headers: Readonly<Record<string, string>> }

async function postSigned(alerter: TestAlerter, { body, headers }: Signed): Promise<number> {
  return (await fetch(`${alerter.url}/slack/interactions`, { method: 'POST', headers, body })).status
}

async function feedbackOf(log: Log): Promise<Feedback[]> {
  return (await log.readToEnd(topicName(prefix, 'feedback'))).map(({ value }) => decode('Feedback', value!))
}

describe('a button in Slack', () => {
  test('becomes a verdict that quiets the incident, names who pressed it, and can be taken back', async () => {
    const { log, answers, opened, resolved, press, title } = await world()
    await sendAnomalies(log, { ...opened, id: 'a/worse', severity: 'critical', state: 'escalated' })
    await eventually(() => expect(title()).toBe('🔴 Critical (was warning)'))
    expect(await press('lapwing/false_alarm')).toBe(200)
    expect(await feedbackOf(log)).toMatchObject([
      { anomalyId: opened.id, episodeId: 'a', verdict: 'false_alarm', author: 'ann (U2CERLKJA)', origin: 'slack', untilMs: null },
    ])
    await eventually(() => expect(title()).toBe('⚪ Quiet, false alarm'))
    await eventually(() => expect(answers.taken()).toHaveLength(1))
    expect(answers.taken()[0]).toMatchObject({ response_type: 'ephemeral', replace_original: false })
    const value = buttonOf(answers.taken()[0]!, 'lapwing/undone')
    expect(value).toBe('0:a')
    expect(await press('lapwing/undone')).toBe(200)
    await eventually(() => expect(title()).toBe('🔴 Critical, again'))
    expect((await feedbackOf(log)).map(({ verdict }) => verdict)).toEqual(['false_alarm', 'undone'])
    await sendAnomalies(log, resolved)
    await eventually(() => expect(title()).toBe('🟢 Resolved'))
  })

  test('known for four hours has its end', async () => {
    const { log, press } = await world()
    expect(await press('lapwing/known_4h')).toBe(200)
    const [known] = await feedbackOf(log)
    expect(known!.untilMs! - known!.atMs).toBe(4 * 3_600_000)
  })

  test('is refused when the request is forged, old, without a signature, or comes twice', async () => {
    const { log, alerter, receiver } = await world()
    const value = buttonOf(receiver.taken()[0]!, 'lapwing/confirmed')!
    const request = { signingSecret, actionId: 'lapwing/confirmed', value }
    const signed = pressOf(request)
    expect(await postSigned(alerter, pressOf({ ...request, signingSecret: 'another' }))).toBe(401)
    expect(await postSigned(alerter, pressOf({ ...request, atMs: Date.now() - 301_000 }))).toBe(401)
    const { 'x-slack-signature': _, ...unsigned } = signed.headers
    expect(await postSigned(alerter, { body: signed.body, headers: unsigned })).toBe(401)
    expect(await feedbackOf(log)).toEqual([])
    expect(await postSigned(alerter, signed)).toBe(200)
    expect(await postSigned(alerter, signed)).toBe(409)
    expect(await feedbackOf(log)).toHaveLength(1)
  })

  test('pressed twice, and told to another process, says nothing new', async () => {
    const { log, alerter, receiver } = await world()
    const other = await startTestAlerter(log, { slack_signing_secret: signingSecret })
    onTestFinished(other.stop)
    const value = buttonOf(receiver.taken()[0]!, 'lapwing/confirmed')!
    const signed = pressOf({ signingSecret, actionId: 'lapwing/confirmed', value })
    expect(await postSigned(alerter, signed)).toBe(200)
    expect(await postSigned(other, signed)).toBe(200)
    expect(new Set((await feedbackOf(log)).map(({ id }) => id)).size).toBe(1)
  })

  test('of another app is answered and changes nothing; what is no interaction is refused', async () => {
    const { log, alerter } = await world()
    expect(await postSigned(alerter, pressOf({ signingSecret, actionId: 'other/button', value: '0:a' }))).toBe(200)
    expect(await postSigned(alerter, pressOf({ signingSecret, actionId: 'lapwing/confirmed', value: '0:no-such' }))).toBe(200)
    const { headers } = pressOf({ signingSecret, actionId: 'x', value: 'x' })
    expect(await postSigned(alerter, { body: 'payload=x', headers })).toBe(401)
    expect(await feedbackOf(log)).toEqual([])
  })
})

describe('POST /api/feedback', () => {
  const post = (alerter: TestAlerter, body: object, authorization = `Bearer ${token}`) =>
    fetch(`${alerter.url}/api/feedback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization },
      body: JSON.stringify(body),
    })

  test('writes a verdict under the id of the record that opened the episode', async () => {
    const { log, alerter, opened, title } = await world()
    const response = await post(alerter, { anomaly_id: 'a', verdict: 'expected', for: '4h', author: 'ann', comment: 'moving' })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ anomalyId: opened.id, verdict: 'expected', author: 'ann', origin: 'api' })
    expect(await feedbackOf(log)).toMatchObject([{ comment: 'moving' }])
    await eventually(() => expect(title()).toBe('⚪ Quiet, expected'))
  })

  test('refuses a wrong token, unknown ids, a new normal of what is over, and says what is wrong with a body', async () => {
    const { log, alerter, resolved } = await world()
    const good = { anomaly_id: 'a', verdict: 'new_normal', author: 'ann' }
    expect((await post(alerter, good, 'Bearer another')).status).toBe(401)
    expect((await post(alerter, good, '')).status).toBe(401)
    expect((await post(alerter, { ...good, anomaly_id: 'nothing' })).status).toBe(404)
    const bad = await post(alerter, { ...good, for: '4h', verdict: 'wrong', more: 1 })
    expect(bad.status).toBe(400)
    expect(JSON.stringify(await bad.json())).toContain('verdict: ')
    await sendAnomalies(log, resolved)
    expect((await post(alerter, good)).status).toBe(409)
    expect(await feedbackOf(log)).toEqual([])
  })
})

test('without its secrets neither address is there', async () => {
  const alerter = await startTestAlerter(createInProcessLog(), {})
  onTestFinished(alerter.stop)
  for (const path of ['/slack/interactions', '/api/feedback'])
    expect((await fetch(`${alerter.url}${path}`, { method: 'POST' })).status).toBe(404)
})
