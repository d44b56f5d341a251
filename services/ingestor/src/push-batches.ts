/**
 * Remote-write requests on their way into records: which samples are news, which are history, and which are refused.
 *
 * A sample older than `newsAgeMs` is history: a sender that was cut off, or a demo that brings its past along, sends it to be
 * learned from, and an alert about it would help nobody. A sample from too far ahead is refused, because a partition's time is
 * that of its newest sample: one from next year would make every other series of the partition look silent.
 */
import type { BatchKind } from '@lapwing/contracts/records'
import { partitionOfHead } from '@lapwing/contracts/series'
import type { SeriesIdentity } from '@lapwing/contracts/series-table'
import { BatchLane } from '@lapwing/prometheus/batch-lane'
import type { DecodedWrite } from '@lapwing/prometheus/remote-write-decoder'
import type { SampleRecord } from '@lapwing/prometheus/sample-batches'

export interface PushCounts {
  readonly live: number
  readonly history: number
  readonly fromTheFuture: number
  /** Newest timestamp that was taken. */
  readonly newestMs: number
}

/** Prometheus itself takes a sample for current for as long: its default lookback. */
export const newsAgeMs = 5 * 60_000
/** How far ahead Prometheus accepts a sample. */
export const aheadMs = 10 * 60_000

export class PushBatches {
  readonly #history: readonly BatchLane[]
  readonly #live: readonly BatchLane[]

  constructor(partitions: number) {
    const lanes = (kind: BatchKind) =>
      Array.from({ length: partitions }, () => new BatchLane({ source: 'remote-write', stepMs: 0, kind }))
    this.#history = lanes('history')
    this.#live = lanes('live')
  }

  /** Copies what is taken of a request. */
  add({ series, ends, samples }: Pick<DecodedWrite, 'series' | 'ends' | 'samples'>, nowMs: number): PushCounts {
    const { timestampsMs } = samples
    let [live, history, newestMs] = [0, 0, Number.NEGATIVE_INFINITY]
    for (let i = 0, start = 0; i < series.length; start = ends[i++]!) {
      const end = ends[i]!
      const liveStart = placeOf(nowMs - newsAgeMs, timestampsMs, start, end)
      const liveEnd = placeOf(nowMs + aheadMs, timestampsMs, liveStart, end)
      if (liveStart > start) laneOf(series[i]!, this.#history).add(series[i]!, samples, start, liveStart)
      if (liveEnd > liveStart) laneOf(series[i]!, this.#live).add(series[i]!, samples, liveStart, liveEnd)
      history += liveStart - start
      live += liveEnd - liveStart
      if (liveEnd > start) newestMs = Math.max(newestMs, timestampsMs[liveEnd - 1]!)
    }
    return { live, history, fromTheFuture: (ends.at(-1) ?? 0) - live - history, newestMs }
  }

  /** About how large the records are that were not taken yet. */
  bytes(): number {
    let bytes = 0
    for (const lane of this.#history) bytes += lane.bytes
    for (const lane of this.#live) bytes += lane.bytes
    return bytes
  }

  /** All that was added and not taken yet; history before news, so that a series on the log is in order. */
  takeRecords(): SampleRecord[] {
    return [this.#history, this.#live].flatMap((lanes) =>
      lanes.flatMap((lane, partition) => lane.takeRecords().map((value) => ({ partition, value }))),
    )
  }
}

function laneOf({ entityHead }: SeriesIdentity, lanes: readonly BatchLane[]): BatchLane {
  return lanes[partitionOfHead(entityHead, lanes.length)]!
}

/** The first place from `start` on, and before `end`, with that time or a later one. */
function placeOf(timestampMs: number, timestampsMs: Float64Array, start: number, end: number): number {
  let place = start
  while (place < end && timestampsMs[place]! < timestampMs) place++
  return place
}
