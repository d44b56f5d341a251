/** The columns of a score batch as typed arrays, with their lengths held against each other, so that readers can trust an index. */
import { float32Column, float64Column, uint8Column, uint32Column } from '@lapwing/contracts/columns'
import type { ScoreBatch } from '@lapwing/contracts/records'
import { seriesCount } from '@lapwing/contracts/series-table'

export interface ScoreColumns {
  readonly samplesPerSeries: Uint32Array
  readonly timestampsMs: Float64Array
  readonly values: Float64Array
  readonly flags: Uint8Array
  readonly scores: Float32Array
  readonly expected: Float32Array
  readonly lower: Float32Array
  readonly upper: Float32Array
  readonly confidence: Float32Array
  readonly states: Uint8Array
  readonly stateDetails: Float64Array
  readonly reasons: Uint8Array
}

/** Throws a ColumnError when a column has not one element a sample, or the samples of the series do not add up. */
export function scoreColumns(batch: ScoreBatch): ScoreColumns {
  const samplesPerSeries = uint32Column(batch.samplesPerSeries, seriesCount(batch.series))
  const samples = samplesPerSeries.reduce((sum, count) => sum + count, 0)
  return {
    samplesPerSeries,
    timestampsMs: float64Column(batch.timestampsMs, samples),
    values: float64Column(batch.values, samples),
    flags: uint8Column(batch.flags, samples),
    scores: float32Column(batch.scores, samples),
    expected: float32Column(batch.expected, samples),
    lower: float32Column(batch.lower, samples),
    upper: float32Column(batch.upper, samples),
    confidence: float32Column(batch.confidence, samples),
    states: uint8Column(batch.states, samples),
    stateDetails: float64Column(batch.stateDetails, samples),
    reasons: uint8Column(batch.reasons, samples),
  }
}
