/**
 * `POST /api/v1/write`: Prometheus remote write 1.0 and 2.0 onto the log.
 *
 * 204 means that the log has acknowledged every sample of the request: until then the sender keeps them, and nothing else needs
 * to be durable here. What would fail again is 4xx (401 without the credentials, 415 another format, 413 too large, 400 damaged or with
 * invalid samples, the valid ones being kept); what may succeed later is 503 with Retry-After (the log does not take it, or too much is
 * in flight already). A 5xx for bad data would make the sender repeat it for ever.
 *
 * What is over the rate of its tenant or source is 429 with Retry-After; over its number of series, 400 for the series that are new, those
 * that are known being written.
 *
 * Memory is bounded: a request reserves its declared length before its body is read, and without a length the largest
 * one possible; and nothing is read while more than that waits for the log.
 *
 * 2.0 is also told how much was written. Native histograms, exemplars, samples that are no number, that a rule drops or that the other
 * replica of a pair has sent count as written: they are accepted, counted, and not scored. Told of 0, a sender would take the
 * receiver for one that does not understand it.
 *
 * Source: Prometheus Remote-Write specifications 1.0 and 2.0.
 */
import type { DecodedWrite, WriteDecoder, WriteTerms, WriteVersion } from '@lapwing/prometheus/remote-write-decoder'
import { WriteError } from '@lapwing/prometheus/remote-write-errors'
import { LogError } from '@lapwing/stream/errors'
import { inSpan, traceOf } from '@lapwing/stream/trace-context'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { IngestMetrics } from './metrics.ts'
import type { PushCounts } from './push-batches.ts'
import type { PushWriter } from './push-writer.ts'
import type { ReplicaTracker } from './replica-tracker.ts'
import { type AdmissionRules, type AdmittedWrite, admitWrite, overRate, overSize, type RefusedWrite } from './write-admission.ts'
import { mediaType } from './write-format.ts'

export interface RemoteWriteOptions {
  readonly decoder: WriteDecoder
  readonly writer: PushWriter
  readonly replicas: Pick<ReplicaTracker, 'isElected' | 'decide'>
  readonly admission: AdmissionRules
  readonly metrics: IngestMetrics
  readonly logger: Logger
  now(): number
}

/** Largest compressed body. A Prometheus sends a few hundred kilobytes at most. */
export const bodyBytesMax = 8 * 1024 * 1024
/** Bodies of all requests that are not answered yet. */
export const inFlightBytesMax = 32 * 1024 * 1024
/** Records that wait for the log: what bodies become is larger than they are. */
export const pendingBytesMax = 64 * 1024 * 1024
const retryAfterMs = 5000
/** Silence of a replica may end an election between a decision and the next look; more often than this it does not. */
const decisionsMax = 3

export async function addRemoteWriteRoute(http: FastifyInstance, options: RemoteWriteOptions): Promise<void> {
  await http.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(mediaType, { parseAs: 'buffer', bodyLimit: bodyBytesMax }, (_request, body, done) =>
      done(null, body),
    )
    const admitted = admitRequests(scope, options)
    const outage = tellOutage(options.logger)
    scope.setErrorHandler<Error & { statusCode?: number }>((error, _request, reply) => answerError(error, reply, outage, options))
    const answer = async (request: FastifyRequest, reply: FastifyReply) => {
      const write = admitted.get(request)!
      const body = request.body as Buffer
      const tooLarge = overSize(write.limits, body.length)
      if (tooLarge) return refuseLimited(reply, tooLarge, options)
      const decoded = await decodeDecided(body, write, options)
      const tooMuch = overRate(write.limits, options.now())
      if (tooMuch) return refuseLimited(reply, tooMuch, options)
      write.limits.charge(decoded.samples.length, options.now())
      const answered = await answerWrite(decoded, write.version, reply, options)
      outage.isOver()
      return answered
    }
    scope.post('/api/v1/write', (request, reply) => {
      const after = [traceOf([request.headers.traceparent].flat()[0])]
      return inSpan('ingestor', 'POST /api/v1/write', { kind: 'server', after }, () => answer(request, reply))
    })
  })
}

async function answerWrite(
  decoded: DecodedWrite,
  version: WriteVersion,
  reply: FastifyReply,
  { writer, metrics }: RemoteWriteOptions,
): Promise<FastifyReply> {
  const taken = await writer.write(decoded)
  count(decoded, taken, metrics)
  if (version === '2.0') tellWritten(decoded, taken, reply)
  const problem = problemOf(decoded, taken)
  return problem ? refuse(reply, { status: 400, message: problem }) : reply.code(204).send()
}

/** Decoded again once the log has decided which replicas of pairs are taken; what is decoded is used before anything is waited for. */
async function decodeDecided(
  body: Buffer,
  { version, tenant, limits }: AdmittedWrite,
  options: RemoteWriteOptions,
): Promise<DecodedWrite> {
  const { decoder, replicas, now } = options
  const terms: WriteTerms = { tenant, isElected: replicas.isElected, seriesLimit: limits.seriesLimit(now()) }
  let decoded = decoder.decode(body, version, terms)
  for (let decisions = 0; decoded.undecided.length > 0; decisions++) {
    if (decisions === decisionsMax) throw new LogError('timeout', 'no replica of the pair could be elected')
    await replicas.decide(decoded.undecided)
    decoded = decoder.decode(body, version, terms)
  }
  return decoded
}

/** Answers at the headers what can be answered there, and counts the bytes in flight. */
function admitRequests(scope: FastifyInstance, options: RemoteWriteOptions): WeakMap<FastifyRequest, AdmittedWrite> {
  const { metrics, writer, admission, now } = options
  const admitted = new WeakMap<FastifyRequest, AdmittedWrite>()
  let inFlightBytes = 0
  scope.addHook('onRequest', async (request, reply) => {
    const encrypted = 'encrypted' in request.raw.socket
    const write = admitWrite({ headers: request.headers, address: request.ip, encrypted }, admission, now())
    if ('status' in write) return refuseLimited(reply, write, options)
    admitted.set(request, write)
    const bytes = Number(request.headers['content-length'] ?? bodyBytesMax)
    if (inFlightBytes + bytes > inFlightBytesMax) return refuse(reply, unavailable('too many requests in flight'))
    if (writer.pendingBytes() > pendingBytesMax) return refuse(reply, unavailable('the log does not keep up'))
    inFlightBytes += bytes
    metrics.inFlight(inFlightBytes)
    // Not the hook `onResponse`: it does not run for a client that hangs up before it is answered.
    reply.raw.once('close', () => {
      inFlightBytes -= bytes
      metrics.inFlight(inFlightBytes)
    })
  })
  scope.addHook('onResponse', async (_request, reply) => metrics.writeAnswered(reply.statusCode, reply.elapsedTime))
  return admitted
}

function count(decoded: DecodedWrite, taken: PushCounts, metrics: IngestMetrics): void {
  if (taken.history > 0) metrics.samples('remote_write', 'history', taken.history, taken.newestMs)
  if (taken.live > 0) metrics.samples('remote_write', 'live', taken.live, taken.newestMs)
  metrics.left('remote_write', decoded.left)
  metrics.dropped('remote_write', 'from_the_future', taken.fromTheFuture)
  metrics.dropped('remote_write', 'native_histogram', decoded.histograms)
  metrics.dropped('remote_write', 'exemplar', decoded.exemplars)
}

function tellWritten({ left, histograms, exemplars }: DecodedWrite, taken: PushCounts, reply: FastifyReply): void {
  const accepted = taken.history + taken.live + left.not_finite + left.relabelled + left.duplicate
  reply.header('x-prometheus-remote-write-samples-written', accepted)
  reply.header('x-prometheus-remote-write-histograms-written', histograms)
  reply.header('x-prometheus-remote-write-exemplars-written', exemplars)
}

/** What was wrong with what was left out; undefined when nothing was. */
function problemOf({ left, firstProblem }: DecodedWrite, taken: PushCounts): string | undefined {
  const refused = left.invalid + left.label_limit + left.series_limit + taken.fromTheFuture
  if (refused === 0 && firstProblem === undefined) return undefined
  return `${refused} samples left out, all others written: ${firstProblem ?? 'a timestamp in the future'}`
}

function answerError(
  error: Error & { statusCode?: number },
  reply: FastifyReply,
  outage: Outage,
  { logger }: RemoteWriteOptions,
): FastifyReply {
  if (error instanceof WriteError) return refuse(reply, error)
  if (error instanceof LogError) {
    outage.refused(error)
    return refuse(reply, error.code === 'too_large' ? { status: 400, message: error.message } : unavailable(error.message))
  }
  if (error.statusCode !== undefined && error.statusCode < 500)
    return refuse(reply, { status: error.statusCode, message: error.message })
  logger.error({ err: error }, 'remote write failed')
  return refuse(reply, { status: 500, message: 'internal error' })
}

interface Outage {
  refused(error: LogError): void
  isOver(): void
}

/** Told once, and once that it is over: senders come again every few seconds, each of them. */
function tellOutage(logger: Logger): Outage {
  let isTold = false
  return {
    refused: (error) => {
      const isKnown = error.retryable && isTold
      logger[isKnown ? 'debug' : 'warn']({ reason: error.code }, `remote write refused: ${error.message}`)
      isTold ||= error.retryable
    },
    isOver: () => {
      if (isTold) logger.warn('remote write goes on')
      isTold = false
    },
  }
}

function unavailable(message: string): RefusedWrite {
  return { status: 503, message, retryAfterMs }
}

function refuseLimited(reply: FastifyReply, refused: RefusedWrite, { metrics }: RemoteWriteOptions): FastifyReply {
  if (refused.limit) metrics.limited(refused.limit)
  return refuse(reply, refused)
}

function refuse(reply: FastifyReply, { status, message, retryAfterMs }: RefusedWrite): FastifyReply {
  if (retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(retryAfterMs / 1000))
  if (status === 401) reply.header('www-authenticate', 'Basic realm="lapwing", Bearer')
  return reply.code(status).type('text/plain; charset=utf-8').send(`${message}\n`)
}
