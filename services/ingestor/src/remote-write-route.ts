/**
 * `POST /api/v1/write`: Prometheus remote write 1.0 onto the log.
 *
 * 204 means that the log has acknowledged every sample of the request: until then the sender keeps them, and nothing else needs
 * to be durable here. What would fail again is 4xx (415 another format, 413 too large, 400 damaged or with invalid samples,
 * the valid ones being kept); what may succeed later is 503 with Retry-After (the log does not take it, or too much is in
 * flight already). A 5xx for bad data would make the sender repeat it for ever.
 *
 * Memory is bounded: a request reserves its declared length before its body is read, and without a length the largest
 * one possible.
 *
 * Source: Prometheus Remote-Write specification 1.0.
 */
import type { WriteDecoder } from '@lapwing/prometheus/remote-write-decoder'
import { WriteError } from '@lapwing/prometheus/remote-write-errors'
import { LogError } from '@lapwing/stream/errors'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Logger } from 'pino'
import type { IngestMetrics } from './metrics.ts'
import type { PushWriter } from './push-writer.ts'

export interface RemoteWriteOptions {
  readonly decoder: WriteDecoder
  readonly writer: PushWriter
  readonly metrics: IngestMetrics
  readonly logger: Logger
}

/** Largest compressed body. A Prometheus sends a few hundred kilobytes at most. */
export const bodyBytesMax = 8 * 1024 * 1024
/** Bodies of all requests that are not answered yet. */
export const inFlightBytesMax = 32 * 1024 * 1024
const retryAfterSeconds = 5

export async function addRemoteWriteRoute(http: FastifyInstance, options: RemoteWriteOptions): Promise<void> {
  await http.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(mediaType, { parseAs: 'buffer', bodyLimit: bodyBytesMax }, (_request, body, done) =>
      done(null, body),
    )
    admitRequests(scope, options.metrics)
    scope.setErrorHandler<Error & { statusCode?: number }>((error, _request, reply) => answerError(error, reply, options))
    scope.post('/api/v1/write', async (request, reply) => {
      const problem = await write(request.body as Buffer, options)
      return problem ? refuse(reply, 400, problem) : reply.code(204).send()
    })
  })
}

const mediaType = 'application/x-protobuf'

/** Answers at the headers what can be answered there, and counts the bytes in flight. */
function admitRequests(scope: FastifyInstance, metrics: IngestMetrics): void {
  let inFlightBytes = 0
  scope.addHook('onRequest', async (request, reply) => {
    const unsupported = unsupportedFormat(request.headers)
    if (unsupported) return refuse(reply, 415, unsupported)
    const bytes = Number(request.headers['content-length'] ?? bodyBytesMax)
    if (inFlightBytes + bytes > inFlightBytesMax) return refuse(reply, 503, 'too many requests in flight')
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

/** What is wrong with the format, judged by its headers. */
function unsupportedFormat(headers: Readonly<Record<string, string | string[] | undefined>>): string | undefined {
  const [type, ...parameters] = String(headers['content-type'] ?? '')
    .split(';')
    .map((part) => part.trim().toLowerCase())
  if (type !== mediaType) return `expected content type ${mediaType}`
  const proto = parameters.find((parameter) => parameter.startsWith('proto='))
  if (proto && proto.replaceAll('"', '') !== 'proto=prometheus.writerequest')
    return 'expected proto=prometheus.WriteRequest (remote write 1.0)'
  if (headers['content-encoding'] !== 'snappy') return 'expected content encoding snappy'
  return undefined
}

/** Puts the samples of a request on the log; returns what was wrong with those that were left out. */
async function write(body: Buffer, { decoder, writer, metrics }: RemoteWriteOptions): Promise<string | undefined> {
  const decoded = decoder.decode(body)
  const taken = await writer.write(decoded)
  if (taken.history > 0) metrics.samples('remote_write', 'history', taken.history, taken.newestMs)
  if (taken.live > 0) metrics.samples('remote_write', 'live', taken.live, taken.newestMs)
  metrics.dropped('remote_write', 'not_finite', decoded.nonFiniteSamples)
  metrics.dropped('remote_write', 'invalid', decoded.invalidSamples)
  metrics.dropped('remote_write', 'label_limit', decoded.overLimitSamples)
  metrics.dropped('remote_write', 'from_the_future', taken.fromTheFuture)
  metrics.dropped('remote_write', 'native_histogram', decoded.histograms)
  const refused = decoded.invalidSamples + decoded.overLimitSamples + taken.fromTheFuture
  if (refused === 0) return undefined
  return `${refused} samples left out, all others written: ${decoded.firstProblem ?? 'a timestamp in the future'}`
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
  return reply.code(status).type('text/plain; charset=utf-8').send(`${message}\n`)
}
