/**
 * `POST /api/v1/write`: Prometheus remote write 1.0 and 2.0 onto the log.
 *
 * 204 means that the log has acknowledged every sample of the request: until then the sender keeps them, and nothing else needs
 * to be durable here. What would fail again is 4xx (401 without the credentials, 415 another format, 413 too large, 400 damaged or with
 * invalid samples, the valid ones being kept); what may succeed later is 503 with Retry-After (the log does not take it, or too much is
 * in flight already). A 5xx for bad data would make the sender repeat it for ever.
 *
 * Memory is bounded: a request reserves its declared length before its body is read, and without a length the largest
 * one possible; and nothing is read while more than that waits for the log.
 *
 * 2.0 is also told how much was written. Native histograms, exemplars and samples that are no number count as written: they are
 * accepted, counted, and not scored.
 *
 * Source: Prometheus Remote-Write specifications 1.0 and 2.0.
 */
import type { DecodedWrite, WriteDecoder, WriteVersion } from '@lapwing/prometheus/remote-write-decoder'
import { WriteError } from '@lapwing/prometheus/remote-write-errors'
import { LogError } from '@lapwing/stream/errors'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { IngestMetrics } from './metrics.ts'
import type { PushCounts } from './push-batches.ts'
import type { PushWriter } from './push-writer.ts'
import { mediaType, writeFormat } from './write-format.ts'

export interface RemoteWriteOptions {
  readonly decoder: WriteDecoder
  readonly writer: PushWriter
  readonly metrics: IngestMetrics
  readonly logger: Logger
  /** Whether a request with this `authorization` header may push. */
  mayWrite(authorization: string | undefined): boolean
}

/** Largest compressed body. A Prometheus sends a few hundred kilobytes at most. */
export const bodyBytesMax = 8 * 1024 * 1024
/** Bodies of all requests that are not answered yet. */
export const inFlightBytesMax = 32 * 1024 * 1024
/** Records that wait for the log: what bodies become is larger than they are. */
export const pendingBytesMax = 64 * 1024 * 1024
const retryAfterSeconds = 5

export async function addRemoteWriteRoute(http: FastifyInstance, options: RemoteWriteOptions): Promise<void> {
  await http.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(mediaType, { parseAs: 'buffer', bodyLimit: bodyBytesMax }, (_request, body, done) =>
      done(null, body),
    )
    admitRequests(scope, options)
    scope.setErrorHandler<Error & { statusCode?: number }>((error, _request, reply) => answerError(error, reply, options))
    scope.post('/api/v1/write', async (request, reply) => {
      const version = versionOf(request)
      const decoded = options.decoder.decode(request.body as Buffer, version)
      const taken = await options.writer.write(decoded)
      count(decoded, taken, options.metrics)
      if (version === '2.0') tellWritten(decoded, taken, reply)
      const problem = problemOf(decoded, taken)
      return problem ? refuse(reply, 400, problem) : reply.code(204).send()
    })
  })
}

/** Answers at the headers what can be answered there, and counts the bytes in flight. */
function admitRequests(scope: FastifyInstance, { metrics, writer, mayWrite }: RemoteWriteOptions): void {
  let inFlightBytes = 0
  scope.addHook('onRequest', async (request, reply) => {
    if (!mayWrite(request.headers.authorization)) return refuse(reply, 401, 'expected the credentials of remote_write')
    const format = writeFormat(request.headers)
    if ('problem' in format) return refuse(reply, 415, format.problem)
    const bytes = Number(request.headers['content-length'] ?? bodyBytesMax)
    if (inFlightBytes + bytes > inFlightBytesMax) return refuse(reply, 503, 'too many requests in flight')
    if (writer.pendingBytes() > pendingBytesMax) return refuse(reply, 503, 'the log does not keep up')
    inFlightBytes += bytes
    metrics.inFlight(inFlightBytes)
    // Not the hook `onResponse`: it does not run for a client that hangs up before it is answered.
    reply.raw.once('close', () => {
      inFlightBytes -= bytes
      metrics.inFlight(inFlightBytes)
    })
  })
  scope.addHook('onResponse', async (_request, reply) => metrics.writeAnswered(reply.statusCode, reply.elapsedTime))
}

/** Of a request that was admitted. */
function versionOf({ headers }: FastifyRequest): WriteVersion {
  const format = writeFormat(headers)
  return 'version' in format ? format.version : '1.0'
}

function count(decoded: DecodedWrite, taken: PushCounts, metrics: IngestMetrics): void {
  if (taken.history > 0) metrics.samples('remote_write', 'history', taken.history, taken.newestMs)
  if (taken.live > 0) metrics.samples('remote_write', 'live', taken.live, taken.newestMs)
  metrics.dropped('remote_write', 'not_finite', decoded.nonFiniteSamples)
  metrics.dropped('remote_write', 'invalid', decoded.invalidSamples)
  metrics.dropped('remote_write', 'label_limit', decoded.overLimitSamples)
  metrics.dropped('remote_write', 'from_the_future', taken.fromTheFuture)
  metrics.dropped('remote_write', 'native_histogram', decoded.histograms)
  metrics.dropped('remote_write', 'exemplar', decoded.exemplars)
}

function tellWritten({ nonFiniteSamples, histograms, exemplars }: DecodedWrite, taken: PushCounts, reply: FastifyReply): void {
  reply.header('x-prometheus-remote-write-samples-written', taken.history + taken.live + nonFiniteSamples)
  reply.header('x-prometheus-remote-write-histograms-written', histograms)
  reply.header('x-prometheus-remote-write-exemplars-written', exemplars)
}

/** What was wrong with what was left out; undefined when nothing was. */
function problemOf({ invalidSamples, overLimitSamples, firstProblem }: DecodedWrite, taken: PushCounts): string | undefined {
  const refused = invalidSamples + overLimitSamples + taken.fromTheFuture
  if (refused === 0 && firstProblem === undefined) return undefined
  return `${refused} samples left out, all others written: ${firstProblem ?? 'a timestamp in the future'}`
}

function answerError(error: Error & { statusCode?: number }, reply: FastifyReply, { logger }: RemoteWriteOptions): FastifyReply {
  if (error instanceof WriteError) return refuse(reply, error.status, error.message)
  if (error instanceof LogError) {
    logger.warn({ reason: error.code }, `remote write refused: ${error.message}`)
    return error.code === 'too_large' ? refuse(reply, 400, error.message) : refuse(reply, 503, error.message)
  }
  if (error.statusCode !== undefined && error.statusCode < 500) return refuse(reply, error.statusCode, error.message)
  logger.error({ err: error }, 'remote write failed')
  return refuse(reply, 500, 'internal error')
}

function refuse(reply: FastifyReply, status: number, message: string): FastifyReply {
  if (status === 503) reply.header('retry-after', retryAfterSeconds)
  if (status === 401) reply.header('www-authenticate', 'Basic realm="lapwing", Bearer')
  return reply.code(status).type('text/plain; charset=utf-8').send(`${message}\n`)
}
