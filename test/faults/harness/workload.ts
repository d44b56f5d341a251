/**
 * What is sent in a row: some series, round after round, with an excursion now and then.
 *
 * The times lie ahead of now but within what the ingestor takes, so that whenever a round arrives it is news.
 */
import { sortedLabels } from '@lapwing/contracts/series'
import type { WriteSeries } from '@lapwing/prometheus/remote-write-encoder'
import { sampleRecords } from '@lapwing/prometheus/sample-batches'
import { identify } from '@lapwing/prometheus/series-samples'
import type { LogRecord } from '@lapwing/stream/log'

export const partitions = 4
export const stepMs = 1000
export const rounds = 400
const seriesCount = 40

/** Time of the first round: late ones stay below ten minutes ahead, early ones above five minutes ago, for seven minutes. */
export function firstRoundMs(nowMs: number): number {
  return Math.floor(nowMs / stepMs) * stepMs + 120_000
}

/** Every series once, and some of them now and then twice, so that steps are mixed. */
export function roundOf(round: number, startMs: number): WriteSeries[] {
  return Array.from({ length: seriesCount }, (_, series) => {
    const places = (round + series) % 7 === 0 && series % 4 === 1 ? [round - 0.4, round] : [round]
    return {
      labels: labelsOf(series),
      timestampsMs: places.map((place) => startMs + place * stepMs),
      values: places.map((place) => loadOf(series, place)),
      flags: places.map(() => 0),
    }
  })
}

export function labelsOf(series: number): WriteSeries['labels'] {
  return sortedLabels([
    ['__name__', 'load'],
    ['instance', `host-${series}`],
  ])
}

function loadOf(series: number, round: number): number {
  const usual = 10 + Math.sin((round + series) / 9) + Math.sin(series * 7.3 + round * 12.9) / 3
  return round > 120 && (round + series * 11) % 97 < 4 ? usual + 20 + round / 2 : usual
}

/** The record of each partition that the ingestor makes of a request, as it would stand on the topic. */
export function asRecords(requests: readonly (readonly WriteSeries[])[]): LogRecord[] {
  const next = new Array<bigint>(partitions).fill(0n)
  return requests.flatMap((request) =>
    sampleRecords(
      request.map(({ labels, timestampsMs, values, flags }) => ({
        series: identify(labels, ['instance']),
        timestampsMs,
        values,
        flags,
      })),
      { source: 'remote-write', kind: 'live', stepMs: 0 },
      partitions,
    ).map(({ partition, value }) => {
      const offset = next[partition]!
      next[partition] = offset + 1n
      return { topic: 'samples', partition, offset, timestampMs: 0, key: null, value, headers: new Map() }
    }),
  )
}
