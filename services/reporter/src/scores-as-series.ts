/** A score batch as what a Prometheus is written: score, expected value and band of each sample, at the time of the sample. */
import type { ScoreBatch } from '@lapwing/contracts/records'
import { sortedLabels } from '@lapwing/contracts/series'
import { sampleFlags, seriesStates } from '@lapwing/contracts/series-state'
import { labelReader, seriesCount } from '@lapwing/contracts/series-table'
import type { WriteSeries } from '@lapwing/prometheus/remote-write-encoder'
import { type ScoreColumns, scoreColumns } from './score-columns.ts'
import { scoreLabels } from './score-labels.ts'

const families = [
  ['lapwing_anomaly_score', 'scores'],
  ['lapwing_expected_value', 'expected'],
  ['lapwing_expected_lower', 'lower'],
  ['lapwing_expected_upper', 'upper'],
] as const

const dropped = seriesStates.indexOf('dropped')

/**
 * Up to four series for each of the batch. The past that a model warms up from is left out, as are samples that were not scored, bands of series that are
 * learning, values that are none, and series whose labels are not two in Prometheus' alphabet. Throws a ColumnError when the batch is damaged.
 */
export function scoresAsSeries(batch: ScoreBatch): WriteSeries[] {
  const columns = scoreColumns(batch)
  if (batch.kind !== 'live') return []
  const labelsOf = labelReader(batch.series)
  let end = 0
  return Array.from({ length: seriesCount(batch.series) }, (_, i) => {
    const first = end
    end += columns.samplesPerSeries[i]!
    const labels = scoreLabels(labelsOf(i), batch)
    return labels ? families.flatMap((family) => written(family, labels, columns, first, end)) : []
  }).flat()
}

function written(
  [name, column]: (typeof families)[number],
  labels: ReadonlyMap<string, string>,
  columns: ScoreColumns,
  first: number,
  end: number,
): WriteSeries[] {
  const values = columns[column]
  const places: number[] = []
  for (let i = first; i < end; i++) {
    const isScored = columns.states[i] !== dropped && (columns.flags[i]! & sampleFlags.stale) === 0
    const isTold = column === 'scores' || columns.confidence[i]! > 0
    if (isScored && isTold && !Number.isNaN(values[i]!)) places.push(i)
  }
  if (places.length === 0) return []
  return [
    {
      labels: sortedLabels([['__name__', name], ...labels]),
      timestampsMs: places.map((i) => columns.timestampsMs[i]!),
      values: places.map((i) => values[i]!),
      flags: places.map(() => 0),
    },
  ]
}
