/**
 * The methods of Slack's Web API that the bot uses, on this machine: it keeps the messages of one channel and the files that were uploaded, and refuses
 * what Slack's documentation says it refuses.
 *
 * Source: Slack "chat.postMessage", "chat.update", "files.getUploadURLExternal", "files.completeUploadExternal", "Block Kit: blocks", "Using the Web
 * API"; that a message cannot show a file until it is prepared: slackapi/slack-github-action issue 413, slackapi/python-slack-sdk issue 1658.
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
  /** Files that were uploaded and completed. */
  files(): readonly Uint8Array[]
  /** So many messages with a new file are refused before it is prepared. */
  prepareAfter(refusals: number): void
  /** From now on the app has no scope for files. */
  withdrawFiles(): void
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
  const files = createSlackFiles()
  const answers: SlackAnswer[] = []
  let address = ''
  const server = createServer(async (request, response) => {
    const content = await contentOf(request)
    const queued = answers.shift()
    if (queued) response.writeHead(queued.status, queued.headers).end(queued.body)
    else if (request.url?.startsWith('/upload/')) response.writeHead(files.take(request.url, content) ? 200 : 400).end('OK')
    else send(response, call(request, content, messages, files, address))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: `${address}/api`,
    token,
    channelName,
    messages: () => [...messages.values()],
    delete: (ts) => messages.delete(ts),
    files: files.completed,
    prepareAfter: files.prepareAfter,
    withdrawFiles: files.withdraw,
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
  readonly upload_url?: string
  readonly file_id?: string
}

function call(
  { method, url, headers }: IncomingMessage,
  content: Buffer,
  messages: Map<string, PostedMessage>,
  files: SlackFiles,
  address: string,
): Answer {
  if (headers.authorization === undefined) return { ok: false, error: 'not_authed' }
  if (headers.authorization !== `Bearer ${token}`) return { ok: false, error: 'invalid_auth' }
  const type = headers['content-type']?.split(';', 1)[0]
  const isFiles = url?.startsWith('/api/files.')
  if (method !== 'POST' || type !== (isFiles ? 'application/x-www-form-urlencoded' : 'application/json'))
    return { ok: false, error: 'invalid_post_type' }
  if (isFiles) return files.call(url!.slice('/api/'.length), new URLSearchParams(content.toString()), address)
  const body = parsed(content)
  if (!body) return { ok: false, error: 'invalid_json' }
  const error = contentError(body, files)
  if (error) return { ok: false, error }
  if (url === '/api/chat.postMessage') return post(body, messages)
  return url === '/api/chat.update' ? update(body, messages) : { ok: false, error: 'unknown_method' }
}

function contentError({ text, blocks = [] }: Body, files: SlackFiles): string | undefined {
  if (!text && blocks.length === 0) return 'no_text'
  const shownFiles = blocks.flatMap((block) => (block.type === 'image' ? [block] : []))
  const isFitting =
    blocks.length <= slackLimits.blocks &&
    JSON.stringify(blocks).length < 100_000 &&
    shownFiles.every(({ alt_text: alt, slack_file: { id } }) => alt.length <= slackLimits.altText && files.canShow(id))
  return isFitting ? undefined : 'invalid_blocks'
}

interface SlackFiles {
  call(method: string, form: URLSearchParams, address: string): Answer
  /** Bytes for an address that was given out; false when they are not as many as announced. */
  take(path: string, content: Buffer): boolean
  canShow(id: string): boolean
  completed(): Buffer[]
  prepareAfter(refusals: number): void
  withdraw(): void
}

interface SlackFile {
  readonly length: number
  content?: Buffer
  isCompleted: boolean
  refusals: number
}

function createSlackFiles(): SlackFiles {
  const files = new Map<string, SlackFile>()
  let [refusals, isWithdrawn] = [0, false]
  const announce = (form: URLSearchParams, address: string): Answer => {
    const length = Number(form.get('length'))
    if (!form.get('filename') || !(length > 0)) return { ok: false, error: 'missing_argument' }
    const id = `F${String(files.size).padStart(9, '0')}X`
    files.set(id, { length, isCompleted: false, refusals })
    return { ok: true, upload_url: `${address}/upload/${id}`, file_id: id }
  }
  const complete = (form: URLSearchParams): Answer => {
    for (const { id } of JSON.parse(form.get('files') ?? '[]') as { id: string }[]) {
      const file = files.get(id)
      if (!file?.content) return { ok: false, error: 'file_not_found' }
      file.isCompleted = true
    }
    return { ok: true }
  }
  return {
    call: (method, form, address) => {
      if (isWithdrawn) return { ok: false, error: 'missing_scope' }
      if (method === 'files.getUploadURLExternal') return announce(form, address)
      return method === 'files.completeUploadExternal' ? complete(form) : { ok: false, error: 'unknown_method' }
    },
    take: (path, content) => {
      const file = files.get(path.slice('/upload/'.length))
      if (file?.length !== content.length) return false
      file.content = content
      return true
    },
    canShow: (id) => {
      const file = files.get(id)
      return file?.isCompleted === true && file.refusals-- <= 0
    },
    completed: () => [...files.values()].flatMap(({ isCompleted, content }) => (isCompleted && content ? [content] : [])),
    prepareAfter: (count) => {
      refusals = count
    },
    withdraw: () => {
      isWithdrawn = true
    },
  }
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

async function contentOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function parsed(content: Buffer): Body | undefined {
  try {
    return JSON.parse(content.toString()) as Body
  } catch {
    return undefined
  }
}

function send(response: ServerResponse, answer: Answer): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(answer))
}
