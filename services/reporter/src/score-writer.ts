/**
 * Writes scores and bands back to a Prometheus, or to whatever takes remote write, as they come from the log.
 *
 * It reads with a group of its own, whose position moves only after a batch was taken: a receiver that is away gets everything later, for
 * as long as the log holds it. What a receiver refuses for good (4xx: too old, out of order, over its limits) is counted and passed over, as
 * a Prometheus does. Several reporters share the partitions.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { decode } from '@lapwing/contracts/codec'
import { backoffMs, retryAfterMs } from '@lapwing/prometheus/backoff'
import { encodeWrite, type WriteSeries, writeHeaders } from '@lapwing/prometheus/remote-write-encoder'
import type { BatchContext, Consumption, Log, RecordBatch } from '@lapwing/stream/log'
import { isDamaged } from './damaged-record.ts'
import { scoresAsSeries } from './scores-as-series.ts'

export interface ScoreWriterOptions {
  readonly log: Log
  readonly topic: string
  readonly group: string
  readonly url: URL
  /** Sent as a bearer token; empty: none. */
  readonly bearerToken: string
  onWritten(samples: number): void
  onRefused(samples: number, why: string): void
  onWriteError(why: string): void
  onDamaged(error: Error): void
  onFatal(error: Error): void
  /** Ends the waiting for a receiver that does not answer. */
  readonly signal: AbortSignal
}

export function writeScores(options: ScoreWriterOptions): Promise<Consumption> {
  return options.log.consume({
    group: options.group,
    topics: [options.topic],
    // What was scored before somebody asked for it would be too old for most receivers.
    from: 'latest',
    onBatch: async (batch, context) => {
      for (const request of requestsOf(batch, options)) if (!(await deliver(request, context, options))) return
    },
    onFatal: options.onFatal,
  })
}

/** As Prometheus sends by default. */
const samplesPerRequest = 2000
const backoff = { firstMs: 500, longestMs: 5000 }
const answerTimeoutMs = 30_000

interface Request {
  readonly series: readonly WriteSeries[]
  readonly samples: number
}

function* requestsOf(batch: RecordBatch, options: ScoreWriterOptions): Generator<Request> {
  let series: WriteSeries[] = []
  let samples = 0
  for (const one of batch.records.flatMap(({ value }) => seriesOf(value, options))) {
    series.push(one)
    samples += one.values.length
    if (samples < samplesPerRequest) continue
    yield { series, samples }
    series = []
    samples = 0
  }
  if (samples > 0) yield { series, samples }
}

function seriesOf(value: Uint8Array | null, { onDamaged }: ScoreWriterOptions): WriteSeries[] {
  try {
    return value ? scoresAsSeries(decode('ScoreBatch', value)) : []
  } catch (error) {
    if (!isDamaged(error)) throw error
    onDamaged(error)
    return []
  }
}

/** False when the partition went to another owner, who writes it; rejects when the signal ends the waiting. */
async function deliver({ series, samples }: Request, context: BatchContext, options: ScoreWriterOptions): Promise<boolean> {
  const body = encodeWrite(series)
  for (let attempt = 1; context.alive(); attempt++) {
    const answer = await post(body, options)
    if (answer.outcome === 'taken') options.onWritten(samples)
    if (answer.outcome === 'refused') options.onRefused(samples, answer.why)
    if (answer.outcome !== 'failed') return true
    options.onWriteError(answer.why)
    await pause(backoffMs(attempt, backoff, Math.random, answer.askedMs), context, options.signal)
  }
  return false
}

type Answer =
  | { readonly outcome: 'taken' }
  | { readonly outcome: 'refused'; readonly why: string }
  /** To be sent again, after at least what the receiver asked for. */
  | { readonly outcome: 'failed'; readonly why: string; readonly askedMs: number }

async function post(body: Buffer, { url, bearerToken, signal }: ScoreWriterOptions): Promise<Answer> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { ...writeHeaders, ...(bearerToken ? { authorization: `Bearer ${bearerToken}` } : {}) },
      body: new Blob([body]),
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]),
    })
    const said = quoted(await answer.text(), bearerToken)
    if (answer.ok) return { outcome: 'taken' }
    const why = `HTTP ${answer.status} ${said}`
    if (answer.status < 500 && answer.status !== 429) return { outcome: 'refused', why }
    return { outcome: 'failed', why, askedMs: retryAfterMs(answer.headers.get('retry-after'), Date.now()) }
  } catch (error) {
    signal.throwIfAborted()
    const { message, cause } = error as Error
    return { outcome: 'failed', why: cause instanceof Error ? cause.message : message, askedMs: 0 }
  }
}

/** The start of what a receiver says, without the token, which it may repeat. */
function quoted(answer: string, bearerToken: string): string {
  const clean = bearerToken ? answer.replaceAll(bearerToken, '[secret]') : answer
  return clean.replaceAll(/\s+/g, ' ').trim().slice(0, longestSaid)
}

/** Characters of an answer that are told on. */
const longestSaid = 200

/** In slices, so that the partition is not lost while a receiver is waited for. */
async function pause(ms: number, context: BatchContext, signal: AbortSignal): Promise<void> {
  for (let leftMs = ms; leftMs > 0 && context.alive(); leftMs -= sliceMs) {
    await sleep(Math.min(leftMs, sliceMs), undefined, { signal })
    await context.heartbeat()
  }
}

const sliceMs = 2000
