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
    newestMs: [...history, ...live].reduce((newest, one) => Math.max(newest, one.timestampsMs.at(-1)!), Number.NEGATIVE_INFINITY),
  }
}

/** The samples from `fromMs` on and before `toMs`. */
function between(series: readonly SeriesSamples[], fromMs: number, toMs: number): SeriesSamples[] {
  return series.flatMap((one) => {
    const { timestampsMs } = one
    if (timestampsMs.length === 0 || timestampsMs[0]! >= toMs || timestampsMs.at(-1)! < fromMs) return []
    if (timestampsMs[0]! >= fromMs && timestampsMs.at(-1)! < toMs) return [one]
    const kept = timestampsMs.map((timestampMs) => timestampMs >= fromMs && timestampMs < toMs)
    const column = (values: readonly number[]) => values.filter((_, i) => kept[i])
    return [{ series: one.series, timestampsMs: column(timestampsMs), values: column(one.values), flags: column(one.flags) }]
  })
}

function count(series: readonly SeriesSamples[]): number {
  return series.reduce((total, one) => total + one.timestampsMs.length, 0)
}
