/** A Slack incoming webhook on this machine: it keeps what it is sent and answers as it is told, `ok` otherwise. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SlackActions } from '@lapwing/alerting/slack-buttons'
import type { SlackMessage } from '@lapwing/alerting/slack-message'
import { slackSignature } from '../src/feedback/slack-signature.ts'

export interface SlackAnswer {
  readonly status: number
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Takes the request and never answers. */
export const silence = 'silence'

export interface ReceivedMessage {
  readonly message: SlackMessage
  /** What it was answered. */
  readonly answer: SlackAnswer | typeof silence
  /** Milliseconds since the epoch. */
  readonly atMs: number
}

export interface SlackTestReceiver {
  /** The webhook; its path looks like a secret one. */
  readonly url: string
  /** Every request, oldest first. */
  readonly received: readonly ReceivedMessage[]
  /** Requests that were answered `ok`. */
  taken(): SlackMessage[]
  /** Answers for the next requests, in order. */
  answerNext(...answers: readonly (SlackAnswer | typeof silence)[]): void
  /** The answer to all requests after those, until it is `ok` again with undefined. */
  answerAll(answer: SlackAnswer | undefined): void
  /** Called once the next answer of `ok` has been given away. */
  afterNextTaken(then: () => void): void
  stop(): Promise<void>
}

/** A button that somebody presses. */
export interface Press {
  readonly signingSecret: string
  readonly actionId: string
  readonly value: string
  /** Where Slack takes answers for the person. */
  readonly responseUrl?: string
  readonly atMs?: number
}

/** What Slack sends when a button is pressed: body and headers. */
export function pressOf({ signingSecret, actionId, value, responseUrl, atMs = Date.now() }: Press) {
  const payload = {
    type: 'block_actions',
    user: { id: 'U2CERLKJA', username: 'ann', name: 'ann', team_id: 'T1DC2JH3J' },
    api_app_id: 'A02',
    token: 'Shh_its_a_seekrit',
    container: { type: 'message', text: 'The contents of the original message' },
    trigger_id: '12466734323.1395872398',
    team: { id: 'T1DC2JH3J', domain: 'example' },
    channel: { id: 'C1', name: 'alerts' },
    ...(responseUrl && { response_url: responseUrl }),
    actions: [
      {
        ...{ type: 'button', block_id: 'b', action_id: actionId, value, action_ts: (atMs / 1000).toFixed(6) },
        text: { type: 'plain_text', text: 'x', emoji: false },
      },
    ],
  }
  const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
  const timestamp = String(Math.floor(atMs / 1000))
  return {
    body,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': slackSignature(signingSecret, timestamp, Buffer.from(body)),
    },
  }
}

/** The value of a button of a message. */
export function buttonOf(message: SlackMessage, actionId: string): string | undefined {
  const actions = message.blocks.find((block): block is SlackActions => block.type === 'actions')
  return actions?.elements.find((element) => element.action_id === actionId)?.value
}

export async function startSlackReceiver(): Promise<SlackTestReceiver> {
  const received: ReceivedMessage[] = []
  const answers: (SlackAnswer | typeof silence)[] = []
  let usual = takenAnswer
  let afterTaken = () => {}
  const server = createServer(async (request, response) => {
    const message = JSON.parse(await bodyOf(request)) as SlackMessage
    const answer = answers.shift() ?? usual
    received.push({ message, answer, atMs: Date.now() })
    if (answer === silence) return
    response.writeHead(answer.status, answer.headers).end(answer.body)
    if (answer !== takenAnswer) return
    const then = afterTaken
    afterTaken = () => {}
    response.once('finish', then)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/T0LAPWING/B0LAPWING/secret-of-the-webhook`,
    received,
    taken: () => received.filter(({ answer }) => answer === takenAnswer).map(({ message }) => message),
    answerNext: (...next) => answers.push(...next),
    answerAll: (answer = takenAnswer) => {
      usual = answer
    },
    afterNextTaken: (then) => {
      afterTaken = then
    },
    stop: () => stop(server),
  }
}

const takenAnswer: SlackAnswer = { status: 200, body: 'ok' }

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  return body
}

async function stop(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
