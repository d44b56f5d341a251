/**
 * Sends the demo workload to an ingestor as a Prometheus would: remote write, first the past, then each step as its time comes.
 *
 * A request that fails is sent again, unchanged, until it is acknowledged or the demo ends, so the data has no gap however
 * long the receiver is away. The live phase, and with it the schedule of faults, begins when the history is acknowledged.
 */
import { setTimeout } from 'node:timers/promises'
import { backoffMs, retryAfterMs } from '@lapwing/prometheus/backoff'
import { encodeWrite, type WriteSeries, writeHeaders } from '@lapwing/prometheus/remote-write-encoder'
import { demoSeries, type Fault, faultAt, valueAt } from './workload.ts'

export interface DemoOptions {
  /** Where remote write goes, path included. */
  readonly url: string
  /** Ends the demo. */
  readonly signal: AbortSignal
  /** Milliseconds since the epoch. */
  now(): number
  onProgress(progress: DemoProgress): void
  /** Takes a line for a person: troubles and faults. */
  log(line: string): void
}

export type DemoProgress =
  | { readonly phase: 'history'; readonly samplesSent: number; readonly samplesInAll: number }
  /** After each live step. */
  | { readonly phase: 'live'; readonly atMs: number; readonly fault: Fault | undefined }

export const stepMs = 5000
export const historyMs = 2 * 3_600_000
/** Steps in a request of the history: about 2,000 samples, as a Prometheus sends. */
const stepsPerRequest = 80
export const seed = 20_260_301

/** Resolves when the signal is aborted. Rejects when the receiver says that sending again makes no sense. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { now, onProgress, signal } = options
  try {
    const historyEndMs = Math.floor(now() / stepMs) * stepMs
    await sendHistory(historyEndMs, options)
    const liveStartMs = now()
    let fault: Fault | undefined
    for (let atMs = historyEndMs; ; atMs += stepMs) {
      await setTimeout(Math.max(0, atMs - now()), undefined, { signal })
      await send(workload([atMs], liveStartMs), options)
      const current = faultAt(atMs - liveStartMs)
      if (current?.startMs !== fault?.startMs) options.log(current ? `demo: ${current.title}` : `demo: over: ${fault?.title}`)
      fault = current
      onProgress({ phase: 'live', atMs, fault })
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

async function sendHistory(endMs: number, options: DemoOptions): Promise<void> {
  const steps = historyMs / stepMs
  const samplesInAll = steps * demoSeries.length
  for (let sent = 0; sent < steps; sent += stepsPerRequest) {
    const count = Math.min(stepsPerRequest, steps - sent)
    const timesMs = Array.from({ length: count }, (_, i) => endMs - (steps - sent - i) * stepMs)
    await send(workload(timesMs, endMs), options)
    options.onProgress({ phase: 'history', samplesSent: (sent + count) * demoSeries.length, samplesInAll })
  }
}

/** All series at these times, without those that are silent. */
function workload(timesMs: readonly number[], liveStartMs: number): WriteSeries[] {
  return demoSeries.flatMap((series) => {
    const samples = timesMs.map((atMs) => ({ atMs, value: valueAt(series, atMs, liveStartMs, seed) }))
    const present = samples.flatMap(({ atMs, value }) => (value === undefined ? [] : [{ atMs, value }]))
    if (present.length === 0) return []
    const timestampsMs = present.map(({ atMs }) => atMs)
    return [{ labels: series.labels, timestampsMs, values: present.map(({ value }) => value), flags: present.map(() => 0) }]
  })
}

const backoff = { firstMs: 250, longestMs: 5000 }

async function send(series: readonly WriteSeries[], { url, signal, log, now }: DemoOptions): Promise<void> {
  const body = encodeWrite(series)
  for (let failures = 1; ; failures++) {
    const answer = await attempt(url, body, signal)
    if (answer.status >= 200 && answer.status < 300) {
      if (failures > 1) log('demo: the ingestor takes samples again')
      return
    }
    if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) {
      throw new Error(`the ingestor refuses the demo workload: ${answer.status} ${answer.text}`)
    }
    const delayMs = backoffMs(failures, backoff, Math.random, retryAfterMs(answer.retryAfter, now()))
    if (failures === 1) log(`demo: the ingestor does not take samples, tried again every few seconds: ${answer.text}`)
    await setTimeout(delayMs, undefined, { signal })
  }
}

interface Answer {
  /** 0 when there was none. */
  readonly status: number
  readonly retryAfter: string | null
  readonly text: string
}

async function attempt(url: string, body: Buffer, signal: AbortSignal): Promise<Answer> {
  try {
    const response = await fetch(url, { method: 'POST', headers: writeHeaders, body, signal })
    return { status: response.status, retryAfter: response.headers.get('retry-after'), text: (await response.text()).trim() }
  } catch (error) {
    signal.throwIfAborted()
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    return { status: 0, retryAfter: null, text: String(cause) }
  }
}
