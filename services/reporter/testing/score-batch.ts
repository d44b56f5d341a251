/** Score batches for tests, from one plain object a series. What is not said is calm: value as expected, score 0, state ok. */
import { bytesOf } from '@lapwing/contracts/columns'
import type { ScoreBatch } from '@lapwing/contracts/records'
import { type LabelSet, seriesKey, sortedLabels } from '@lapwing/contracts/series'
import { type ReasonName, reasonNames, type SeriesState, seriesStates } from '@lapwing/contracts/series-state'
import { buildSeriesTable, seriesIdentity } from '@lapwing/contracts/series-table'

export interface ScoredSeries {
  readonly labels: LabelSet
  readonly samples: readonly ScoredSample[]
}

export interface ScoredSample {
  readonly timestampMs: number
  readonly value: number
  readonly expected?: number
  readonly lower?: number
  readonly upper?: number
  readonly score?: number
  readonly confidence?: number
  readonly state?: SeriesState
  readonly stateDetail?: number
  readonly reason?: ReasonName
  /** Bits of `sampleFlags`. */
  readonly flags?: number
}

export function scoreBatch(
  series: readonly ScoredSeries[],
  about: Partial<Pick<ScoreBatch, 'source' | 'kind' | 'sourceOffset'>> = {},
): ScoreBatch {
  const samples = series.flatMap((one) => one.samples)
  const float32 = (read: (sample: ScoredSample) => number) => bytesOf(Float32Array.from(samples, read))
  const bytes = (read: (sample: ScoredSample) => number) => bytesOf(Uint8Array.from(samples, read))
  return {
    source: about.source ?? 'remote-write',
    kind: about.kind ?? 'live',
    sourceOffset: about.sourceOffset ?? 0,
    stepMs: 5000,
    newestMs: Math.max(...samples.map((sample) => sample.timestampMs)),
    model: 'half-space-trees:test',
    series: buildSeriesTable(series.map(({ labels }) => seriesIdentity(labels, ['instance']))),
    samplesPerSeries: bytesOf(Uint32Array.from(series, (one) => one.samples.length)),
    timestampsMs: bytesOf(Float64Array.from(samples, (sample) => sample.timestampMs)),
    values: bytesOf(Float64Array.from(samples, (sample) => sample.value)),
    flags: bytes((sample) => sample.flags ?? 0),
    scores: float32((sample) => sample.score ?? 0),
    expected: float32((sample) => sample.expected ?? sample.value),
    lower: float32((sample) => sample.lower ?? sample.value - 1),
    upper: float32((sample) => sample.upper ?? sample.value + 1),
    confidence: float32((sample) => sample.confidence ?? 1),
    states: bytes((sample) => seriesStates.indexOf(sample.state ?? 'ok')),
    stateDetails: bytesOf(Float64Array.from(samples, (sample) => sample.stateDetail ?? 0)),
    reasons: bytes((sample) => reasonNames.indexOf(sample.reason ?? 'none')),
  }
}

/** Sorted labels of a series. */
export function labelled(metric: string, labels: Readonly<Record<string, string>> = {}): LabelSet {
  return sortedLabels([['__name__', metric], ...Object.entries(labels)])
}

export function keyOf(labels: LabelSet): string {
  return seriesKey(labels).toString('hex')
}
