/**
 * Slack as a receiver, through the bot token of an app: one message per incident, kept up to date in place.
 *
 * An edit rings nobody's phone. What people have to hear (it got worse, it came back) is therefore also told in the message's thread and
 * shown in the channel; an end is an edit only. A picture of the series follows when it is ready (`slack-pictures.ts`). When the message is gone or may no longer be edited, a new one takes its place.
 *
 * Source: Slack "chat.postMessage", "chat.update": JSON with the token as bearer; answers are HTTP 200 with `ok` and `error`, but for a rate
 * limit, which is HTTP 429 with `Retry-After`.
 */
import { bandText, numberText } from '@lapwing/alerting/alert-text'
import type { Allowance } from '@lapwing/alerting/limits'
import type { Delivery } from '@lapwing/alerting/reconcile'
import { type SlackLinks, type SlackMessage, slackDigest, slackMessage } from '@lapwing/alerting/slack-message'
import type { Alert } from '@lapwing/contracts/records'
import type { Secret } from '@lapwing/service/config-fields'
import type { Logger } from 'pino'
import { z } from 'zod'
import { DeliveryError, type DeliveryErrorCode, deliveryError } from './delivery-errors.ts'
import { createHttpPoster, type HttpPoster } from './http-poster.ts'
import type { PodsOf } from './pod-source.ts'
import type { DeliveryAnswer, Receiver } from './receiver.ts'
import { createSlackPictures, type Picture, type SlackPictures, type SlackPlace } from './slack-pictures.ts'
import type { SeriesWindow, WindowOf } from './window-source.ts'

export interface SlackBotOptions {
  readonly name: string
  readonly botToken: Secret
  /** Id or name. */
  readonly channel: string
  /** Of the Web API, without a trailing slash. */
  readonly apiUrl: string
  readonly links: SlackLinks
  readonly windowOf: WindowOf
  readonly podsOf: PodsOf
  readonly logger: Logger
  readonly rateLimit: Allowance | undefined
  readonly timeoutMs: number
}

/** What Slack allows an app to post to a channel. */
const spacingMs = 1000
/** An answer repeats the message. */
const answerLimitBytes = 256 * 1024

export function createSlackBotReceiver(options: SlackBotOptions): Receiver {
  const { name, links, channel, rateLimit } = options
  const poster = createHttpPoster({
    ...{ name, timeoutMs: options.timeoutMs, answerLimit: answerLimitBytes },
    url: new URL(`${options.apiUrl}/chat.postMessage`),
    contentType: 'application/json; charset=utf-8',
    headers: { authorization: `Bearer ${options.botToken.reveal()}` },
    failureIn: (answer) => failureIn(readAnswer(answer)),
  })
  const api = slackApi(poster, options)
  const pictures = createSlackPictures(options)
  return {
    name,
    unit: 'incident',
    policy: { resendMs: null, resendResolvedForMs: 0, spacingMs, batchSize: 1 },
    limits: { rateLimit },
    deliver: async (deliveries, signal) => {
      const answers: DeliveryAnswer[] = []
      for (const delivery of deliveries) answers.push(await tell(api, pictures, delivery, options, signal).catch(deliveryError))
      return answers
    },
    tellDigest: (digest, route, signal) =>
      api.post({ channel, ...slackDigest(digest, route, links) }, signal).then(() => undefined, deliveryError),
    breakerState: poster.breakerState,
    close: () => {
      pictures.close()
      poster.close()
    },
  }
}

interface SlackApi {
  readonly channel: string
  /** Resolves with where the message is. */
  post(body: object, signal: AbortSignal): Promise<SlackPlace>
  /** False when there is no such message, or it may not be edited any more. */
  update(place: SlackPlace, message: SlackMessage, signal: AbortSignal): Promise<boolean>
}

function slackApi(poster: HttpPoster, { apiUrl, channel }: SlackBotOptions): SlackApi {
  return {
    channel,
    post: async (body, signal) => {
      const { channel: id, ts } = readAnswer(await poster.post({ unfurl_links: false, ...body }, signal))
      if (!id || !ts) throw new DeliveryError('unexpected_answer', 'no place of the message in the answer')
      return { channel: id, ts }
    },
    update: async (place, message, signal) => {
      const url = new URL(`${apiUrl}/chat.update`)
      const { error } = readAnswer(await poster.post({ ...place, ...message }, signal, url))
      return error === undefined
    },
  }
}

/** Rejects with a DeliveryError. A retry after half of it was done repeats an edit, which changes nothing, or the call in the thread. */
async function tell(
  api: SlackApi,
  pictures: SlackPictures,
  delivery: Delivery,
  { links, windowOf, podsOf }: SlackBotOptions,
  signal: AbortSignal,
): Promise<DeliveryAnswer> {
  const window = await windowOf(delivery.alert, signal)
  const message = slackMessage(delivery, links, { window: window.values, pods: podsOf(delivery.members) })
  const picture = pictureOf(delivery.alert, window)
  const place = placeIn(delivery.messageRef)
  if (place) await pictures.giveUp(place)
  if (!place || !(await api.update(place, message, signal))) {
    const posted = await api.post({ channel: api.channel, ...message }, signal)
    if (picture) pictures.add(posted, message, picture)
    return { messageRef: `${posted.channel}/${posted.ts}` }
  }
  if (picture) pictures.add(place, message, picture)
  if (delivery.tellings.at(-1)?.state === 'firing') {
    await api.post({ channel: place.channel, thread_ts: place.ts, reply_broadcast: true, text: message.text }, signal)
  }
  return { messageRef: delivery.messageRef }
}

/** The renderer is read when it is needed first: an alerter without a bot needs none. */
function pictureOf(alert: Alert, window: SeriesWindow): Picture | undefined {
  if (window.values.length === 0) return undefined
  return {
    altText: `Course of ${alert.metric}, now ${numberText(alert.value)}, expected ${bandText(alert)}`,
    draw: async () => {
      const [{ windowPlot }, { svgToPng }] = await Promise.all([
        import('@lapwing/reports/window-plot'),
        import('@lapwing/reports/plot'),
      ])
      const svg = windowPlot({ ...window, lower: alert.lower, upper: alert.upper, startedAtMs: alert.startedAtMs })
      return svg === undefined ? undefined : svgToPng(svg)
    },
  }
}

function placeIn(messageRef: string): SlackPlace | undefined {
  const [channel, ts] = messageRef.split('/')
  return channel && ts ? { channel, ts } : undefined
}

const answerSchema = z.object({
  ok: z.boolean(),
  error: z.string().optional(),
  channel: z.string().optional(),
  ts: z.string().optional(),
})

function readAnswer(answer: string): z.output<typeof answerSchema> {
  try {
    return answerSchema.parse(JSON.parse(answer))
  } catch {
    return { ok: false, error: 'no answer of Slack' }
  }
}

/** The message is not there to be edited; a new one takes its place. */
const gone = ['message_not_found', 'cant_update_message', 'edit_window_closed']
const passing: Readonly<Record<string, DeliveryErrorCode>> = {
  'no answer of Slack': 'unexpected_answer',
  ratelimited: 'rate_limited',
  rate_limited: 'rate_limited',
  internal_error: 'server_error',
  fatal_error: 'server_error',
  service_unavailable: 'server_error',
  request_timeout: 'server_error',
}

/** Undefined when the call was understood. What is refused otherwise is refused for good, with Slack's word for it in the error. */
function failureIn({ ok, error = '' }: z.output<typeof answerSchema>): DeliveryErrorCode | undefined {
  if (ok || gone.includes(error)) return undefined
  return Object.hasOwn(passing, error) ? passing[error] : 'refused'
}
