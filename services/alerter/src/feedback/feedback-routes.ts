/**
 * Where verdicts of people arrive over HTTP: the buttons of Slack on `/slack/interactions`, everybody else on `/api/feedback`.
 *
 * An answer of 200 means that the verdict is on the log. Slack waits three seconds and tells the person when there is no answer, so a
 * verdict that could not be written is seen by who gave it.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { undoButton } from '@lapwing/alerting/slack-buttons'
import { verdictText } from '@lapwing/alerting/verdict'
import type { Secret } from '@lapwing/service/config-fields'
import { LogError } from '@lapwing/stream/errors'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { AlerterMetrics } from '../metrics.ts'
import { readApiRequest } from './api-request.ts'
import { readInteraction, type SlackInteraction } from './slack-interaction.ts'
import { createSlackGuard } from './slack-signature.ts'
import type { VerdictWriter } from './verdict-writer.ts'

export interface FeedbackRoutesOptions {
  /** Empty leaves `/slack/interactions` out. */
  readonly slackSigningSecret: Secret
  /** Empty leaves `/api/feedback` out. */
  readonly token: Secret
  /** Undefined while the log is not open yet. */
  writer(): VerdictWriter | undefined
  readonly metrics: Pick<AlerterMetrics, 'feedback'>
  readonly logger: Logger
  nowMs(): number
}

/** More than the largest message with buttons, which Slack sends along. */
const bodyLimitBytes = 512 * 1024

export function addFeedbackRoutes(http: FastifyInstance, options: FeedbackRoutesOptions): void {
  if (options.slackSigningSecret.reveal() !== '') addSlackRoute(http, options)
  if (options.token.reveal() !== '') http.post('/api/feedback', (request, reply) => takeApiRequest(request, reply, options))
}

function addSlackRoute(http: FastifyInstance, options: FeedbackRoutesOptions): void {
  const guard = createSlackGuard(options.slackSigningSecret.reveal())
  http.register(async (scope) => {
    const raw = { parseAs: 'buffer', bodyLimit: bodyLimitBytes } as const
    scope.addContentTypeParser('application/x-www-form-urlencoded', raw, (_request, body, done) => done(null, body))
    scope.post('/slack/interactions', async (request, reply) => {
      const body = request.body as Buffer
      const { 'x-slack-request-timestamp': timestamp, 'x-slack-signature': signature } = request.headers
      const signed = { timestamp: textOf(timestamp), signature: textOf(signature), body }
      const trust = guard.check(signed, options.nowMs())
      if (trust !== 'trusted') return refuse(reply, 'slack', { status: trust === 'replayed' ? 409 : 401, reason: trust }, options)
      const interaction = readInteraction(body)
      if (!interaction) return refuse(reply, 'slack', { status: 400, reason: 'malformed' }, options)
      return takeInteraction(interaction, reply, options)
    })
  })
}

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined
}

/** A button of somebody else's is answered too, or Slack would show an error. */
async function takeInteraction(
  { pressed, responseUrl }: SlackInteraction,
  reply: FastifyReply,
  options: FeedbackRoutesOptions,
): Promise<FastifyReply> {
  if (!pressed) return reply.code(200).send()
  const written = await whileLogAnswers(reply, 'slack', options, (writer) => writer.give(pressed.places, pressed.given))
  if (!written) return reply
  note('slack', pressed.given, written.length, options)
  if (responseUrl) void answerPerson(responseUrl, answerTo(pressed, written.length), options.logger)
  return reply.code(200).send()
}

function answerTo({ given, value }: NonNullable<SlackInteraction['pressed']>, episodes: number): object {
  const series = episodes === 1 ? 'one series' : `${episodes} series`
  const text =
    episodes === 0
      ? 'Nothing was changed: this was said before, or it is no longer held.'
      : `Noted for ${series}: ${verdictText({ ...given, author: 'you' }).replace('says you', 'as you say')}.`
  const section = { type: 'section', text: { type: 'plain_text', text, emoji: false } }
  const blocks = given.verdict === 'undone' || episodes === 0 ? [section] : [section, undoButton(value)]
  return { response_type: 'ephemeral', replace_original: false, text, blocks }
}

const answerTimeoutMs = 3000

/** The verdict is written whatever becomes of this. */
async function answerPerson(url: string, body: object, logger: Logger): Promise<void> {
  try {
    const headers = { 'content-type': 'application/json' }
    const signal = AbortSignal.timeout(answerTimeoutMs)
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), redirect: 'manual', signal })
    if (!response.ok) logger.warn({ status: response.status }, 'Slack did not take the answer to a button')
  } catch {
    logger.warn({}, 'Slack could not be reached with the answer to a button')
  }
}

async function takeApiRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  options: FeedbackRoutesOptions,
): Promise<FastifyReply> {
  if (!isBearer(request.headers.authorization, options.token)) {
    return refuse(reply.header('www-authenticate', 'Bearer'), 'api', { status: 401, reason: 'unauthorized' }, options)
  }
  const read = readApiRequest(request.body, options.nowMs())
  if ('length' in read) return refuse(reply, 'api', { status: 400, reason: 'malformed', problems: read }, options)
  const { anomalyId, given } = read
  const written = await whileLogAnswers(reply, 'api', options, (writer) => writer.giveNamed(anomalyId, given))
  if (!written) return reply
  if (written === 'unknown_anomaly') return refuse(reply, 'api', { status: 404, reason: written }, options)
  if (written === 'episode_over') return refuse(reply, 'api', { status: 409, reason: written }, options)
  note('api', given, 1, options)
  const { signature, ...feedback } = written
  return reply.code(200).send(feedback)
}

function isBearer(shown: string | undefined, token: Secret): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest((shown ?? '').replace(/^bearer +/i, '')), digest(token.reveal()))
}

/** Answers 503 when the log does not take it. */
async function whileLogAnswers<T>(
  reply: FastifyReply,
  origin: 'slack' | 'api',
  options: FeedbackRoutesOptions,
  work: (writer: VerdictWriter) => Promise<T>,
): Promise<T | undefined> {
  const writer = options.writer()
  try {
    if (writer) return await work(writer)
  } catch (error) {
    if (!(error instanceof LogError)) throw error
    options.logger.warn({ code: error.code }, `a verdict could not be written: ${error.message}`)
  }
  refuse(reply, origin, { status: 503, reason: 'log_unavailable' }, options)
  return undefined
}

function refuse(
  reply: FastifyReply,
  origin: 'slack' | 'api',
  { status, ...why }: { status: number; reason: string; problems?: readonly string[] },
  { metrics }: FeedbackRoutesOptions,
): FastifyReply {
  metrics.feedback(origin, why.reason, 1)
  return reply.code(status).send({ error: why.reason, ...(why.problems && { problems: why.problems }) })
}

function note(
  origin: 'slack' | 'api',
  { verdict, author }: { verdict: string; author: string },
  episodes: number,
  { metrics, logger }: FeedbackRoutesOptions,
): void {
  metrics.feedback(origin, verdict, episodes)
  logger.info({ verdict, author, episodes, origin }, 'verdict written')
}
