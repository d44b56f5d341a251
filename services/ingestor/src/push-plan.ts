/**
 * What becomes of the samples of a remote-write request: which are news, which are history, and which are refused.
 *
 * A sample older than `newsAgeMs` is history: a sender that was cut off, or a demo that brings its past along, sends it to be
 * learned from, and an alert about it would help nobody. A sample from too far ahead is refused, because a partition's time is
 * that of its newest sample: one from next year would make every other series of the partition look silent.
 */
import { type SampleRecord, sampleRecords } from '@lapwing/prometheus/sample-batches'
import type { SeriesSamples } from '@lapwing/prometheus/series-samples'

export interface PushPlan {
  /** History before news, so that a series on the log is in order. */
  readonly records: readonly SampleRecord[]
  readonly live: number
  readonly history: number
  readonly fromTheFuture: number
  /** Newest timestamp in the records. */
  readonly newestMs: number
}

/** Source of the batches. */
const remoteWriteSource = 'remote-write'

/** Prometheus itself takes a sample for current for as long: its default lookback. */
export const newsAgeMs = 5 * 60_000
/** How far ahead Prometheus accepts a sample. */
export const aheadMs = 10 * 60_000

export function planPush(series: readonly SeriesSamples[], nowMs: number, partitions: number): PushPlan {
  const history = between(series, Number.NEGATIVE_INFINITY, nowMs - newsAgeMs)
  const live = between(series, nowMs - newsAgeMs, nowMs + aheadMs)
  const origin = { source: remoteWriteSource, stepMs: 0 }
  return {
    records: [
      ...sampleRecords(history, { ...origin, kind: 'history' }, partitions),
      ...sampleRecords(live, { ...origin, kind: 'live' }, partitions),
    ],
    live: count(live),
    history: count(history),
    fromTheFuture: count(series) - count(live) - count(history),
    newestMs: Math.max(newestOf(history), newestOf(live)),
  }
}

/** The samples from `fromMs` on and before `toMs`. */
function between(series: readonly SeriesSamples[], fromMs: number, toMs: number): SeriesSamples[] {
  const found: SeriesSamples[] = []
  for (const one of series) {
    const { timestampsMs } = one
    const last = timestampsMs.length - 1
    if (last < 0 || timestampsMs[0]! >= toMs || timestampsMs[last]! < fromMs) continue
    found.push(timestampsMs[0]! >= fromMs && timestampsMs[last]! < toMs ? one : part(one, fromMs, toMs))
  }
  return found
}

function part({ series, timestampsMs, values, flags }: SeriesSamples, fromMs: number, toMs: number): SeriesSamples {
  const kept = timestampsMs.map((timestampMs) => timestampMs >= fromMs && timestampMs < toMs)
  const column = (all: readonly number[]) => all.filter((_, i) => kept[i])
  return { series, timestampsMs: column(timestampsMs), values: column(values), flags: column(flags) }
}

function newestOf(series: readonly SeriesSamples[]): number {
  let newestMs = Number.NEGATIVE_INFINITY
  for (const { timestampsMs } of series) newestMs = Math.max(newestMs, timestampsMs[timestampsMs.length - 1]!)
  return newestMs
}

function count(series: readonly SeriesSamples[]): number {
  return series.reduce((total, one) => total + one.timestampsMs.length, 0)
}
