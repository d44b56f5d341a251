/** A Slack incoming webhook on this machine: it keeps what it is sent and answers as it is told, `ok` otherwise. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SlackMessage } from '@lapwing/alerting/slack-message'

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
  stop(): Promise<void>
}

export async function startSlackReceiver(): Promise<SlackTestReceiver> {
  const received: ReceivedMessage[] = []
  const answers: (SlackAnswer | typeof silence)[] = []
  const server = createServer(async (request, response) => {
    const message = JSON.parse(await bodyOf(request)) as SlackMessage
    const answer = answers.shift() ?? takenAnswer
    received.push({ message, answer, atMs: Date.now() })
    if (answer !== silence) response.writeHead(answer.status, answer.headers).end(answer.body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/T0LAPWING/B0LAPWING/secret-of-the-webhook`,
    received,
    taken: () => received.filter(({ answer }) => answer === takenAnswer).map(({ message }) => message),
    answerNext: (...next) => answers.push(...next),
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
