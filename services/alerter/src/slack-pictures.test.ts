/** The picture in a message of the bot, against what Slack documents of its Web API. */
import type { Delivery } from '@lapwing/alerting/reconcile'
import { secret } from '@lapwing/service/config-fields'
import { pino } from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import { anomalyRecord } from '../testing/anomalies.ts'
import { eventually } from '../testing/eventually.ts'
import { type SlackTestApi, startSlackApi } from '../testing/slack-api.ts'
import { decideAlert } from './decide-alert.ts'
import { DeliveryError } from './delivery-errors.ts'
import type { DeliveryAnswer } from './receiver.ts'
import { createSlackBotReceiver } from './slack-bot-receiver.ts'

const policy = { minimumSeverity: 'warning', flapping: { slots: 20, slotMs: 1000, startRatio: 0.5, stopRatio: 0.25 } } as const
const { alert } = decideAlert(anomalyRecord({}), undefined, policy)
const signal = new AbortController().signal
const window = { values: Array.from({ length: 30 }, (_, i) => (i < 25 ? 1 : 9)), startMs: alert.startedAtMs, stepMs: 15_000 }

async function world() {
  const api = await startSlackApi()
  onTestFinished(api.stop)
  const lines: string[] = []
  const receiver = createSlackBotReceiver({
    ...{ name: 'slack', botToken: secret().parse(api.token), channel: api.channelName, apiUrl: api.url },
    links: { pageUrl: 'http://page', runbook: undefined, prometheusUrl: undefined, partitionOf: undefined },
    ...{ podsOf: () => [], windowOf: async () => window, rateLimit: undefined, timeoutMs: 10_000 },
    logger: pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) }),
  })
  onTestFinished(receiver.close)
  const tell = async (state: 'firing' | 'resolved', messageRef = ''): Promise<DeliveryAnswer> => {
    const told = { ...alert, state }
    const tellings = [{ state, severity: alert.severity, atMs: 0 }]
    const once = { repeated: false, continuedAt: null, records: [], attempt: 1, quietedBy: undefined }
    const [answer] = await receiver.deliver([{ alert: told, members: [told], tellings, messageRef, ...once } as Delivery], signal)
    return answer
  }
  return { api, lines, tell }
}

const blocksOf = (api: SlackTestApi) => api.messages()[0]!.blocks.map(({ type }) => type)
const refOf = (answer: DeliveryAnswer) => (answer instanceof DeliveryError ? expect.fail(answer.message) : answer!.messageRef)

describe('the picture of a message', () => {
  test('follows the text, a PNG below the facts, once Slack has prepared it', { timeout: 30_000 }, async () => {
    const { api, tell } = await world()
    api.prepareAfter(1)
    refOf(await tell('firing'))
    expect(blocksOf(api)).not.toContain('image')
    await eventually(() => expect(blocksOf(api).slice(0, 3)).toEqual(['header', 'section', 'image']), 20_000)
    expect(Buffer.from(api.files()[0]!).subarray(1, 4).toString()).toBe('PNG')
    expect(JSON.stringify(api.messages()[0]!.blocks[2])).toContain('Course of node_load1, now 12.5, expected 0.2 to 1.9')
  })

  test('of a former state never comes over the present one, which gets its own', { timeout: 30_000 }, async () => {
    const { api, tell } = await world()
    const ref = refOf(await tell('firing'))
    refOf(await tell('resolved', ref))
    await eventually(() => expect(blocksOf(api)).toContain('image'), 20_000)
    expect(api.messages()).toHaveLength(1)
    expect(api.messages()[0]!.text).toContain('Resolved')
  })

  test('is left out, and told of once, where the app may not upload', { timeout: 30_000 }, async () => {
    const { api, lines, tell } = await world()
    api.withdrawFiles()
    refOf(await tell('firing'))
    await eventually(() => expect(lines.join()).toContain('missing_scope; the app needs the scope files:write'), 20_000)
    refOf(await tell('firing'))
    expect(api.messages().map(({ edits }) => edits)).toEqual([0, 0])
    expect(lines).toHaveLength(1)
    expect(lines.join()).not.toContain(api.token)
  })
})
