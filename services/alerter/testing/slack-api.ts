/**
 * The two methods of Slack's Web API that the bot uses, on this machine: it keeps the messages of one channel and refuses what Slack's
 * documentation says it refuses.
 *
 * Source: Slack "chat.postMessage", "chat.update", "Block Kit: blocks", "Using the Web API".
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type SlackMessage, slackLimits } from '@lapwing/alerting/slack-message'
import type { SlackAnswer } from './slack-receiver.ts'

export interface PostedMessage {
  readonly ts: string
  readonly text: string
  readonly blocks: SlackMessage['blocks']
  readonly threadTs: string | undefined
  readonly isBroadcast: boolean
  readonly edits: number
}

export interface SlackTestApi {
  readonly url: string
  readonly token: string
  readonly channelName: string
  /** Oldest first, as the channel shows them now. */
  messages(): readonly PostedMessage[]
  delete(ts: string): void
  /** Answers for the next requests, in order. */
  answerNext(...answers: readonly SlackAnswer[]): void
  stop(): Promise<void>
}

const token = 'xoxb-0-secret-of-the-bot'
const channelName = 'alerts'
const channelId = 'C0LAPWING'

type Body = Partial<SlackMessage> & {
  readonly channel?: string
  readonly ts?: string
  readonly thread_ts?: string
  readonly reply_broadcast?: boolean
}

export async function startSlackApi(): Promise<SlackTestApi> {
  const messages = new Map<string, PostedMessage>()
  const answers: SlackAnswer[] = []
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    const queued = answers.shift()
    if (queued) response.writeHead(queued.status, queued.headers).end(queued.body)
    else send(response, call(request, body, messages))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`,
    token,
    channelName,
    messages: () => [...messages.values()],
    delete: (ts) => messages.delete(ts),
    answerNext: (...next) => answers.push(...next),
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

interface Answer {
  readonly ok: boolean
  readonly error?: string
  readonly channel?: string
  readonly ts?: string
  readonly message?: object
}

function call({ method, url, headers }: IncomingMessage, body: Body | undefined, messages: Map<string, PostedMessage>): Answer {
  if (headers.authorization === undefined) return { ok: false, error: 'not_authed' }
  if (headers.authorization !== `Bearer ${token}`) return { ok: false, error: 'invalid_auth' }
  if (method !== 'POST' || !headers['content-type']?.startsWith('application/json'))
    return { ok: false, error: 'invalid_post_type' }
  if (!body) return { ok: false, error: 'invalid_json' }
  const error = contentError(body)
  if (error) return { ok: false, error }
  if (url === '/api/chat.postMessage') return post(body, messages)
  return url === '/api/chat.update' ? update(body, messages) : { ok: false, error: 'unknown_method' }
}

function contentError({ text, blocks = [] }: Body): string | undefined {
  if (!text && blocks.length === 0) return 'no_text'
  const isFitting = blocks.length <= slackLimits.blocks && JSON.stringify(blocks).length < 100_000
  return isFitting ? undefined : 'invalid_blocks'
}

function post(body: Body, messages: Map<string, PostedMessage>): Answer {
  if (body.channel !== channelId && body.channel !== channelName) return { ok: false, error: 'channel_not_found' }
  if (body.thread_ts && !messages.has(body.thread_ts)) return { ok: false, error: 'thread_not_found' }
  const ts = `1503435956.${String(messages.size).padStart(6, '0')}`
  messages.set(ts, {
    ...{ ts, text: body.text ?? '', blocks: body.blocks ?? [], threadTs: body.thread_ts },
    ...{ isBroadcast: body.reply_broadcast ?? false, edits: 0 },
  })
  return { ok: true, channel: channelId, ts, message: { text: body.text, type: 'message', ts } }
}

/** Here a channel is named by its id only. */
function update(body: Body, messages: Map<string, PostedMessage>): Answer {
  if (body.channel !== channelId) return { ok: false, error: 'channel_not_found' }
  const known = messages.get(body.ts ?? '')
  if (!known) return { ok: false, error: 'message_not_found' }
  messages.set(known.ts, {
    ...known,
    text: body.text ?? known.text,
    blocks: body.blocks ?? known.blocks,
    edits: known.edits + 1,
  })
  return { ok: true, channel: channelId, ts: known.ts }
}

async function bodyOf(request: IncomingMessage): Promise<Body | undefined> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  try {
    return JSON.parse(body) as Body
  } catch {
    return undefined
  }
}

function send(response: ServerResponse, answer: Answer): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(answer))
}
