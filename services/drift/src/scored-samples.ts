/** The samples of a score batch that say something of how well a model fits: not warm-up, repeats or filled gaps. */
import { float32Column, float64Column, uint8Column, uint32Column } from '@lapwing/contracts/columns'
import type { ScoreBatch } from '@lapwing/contracts/records'
import { sampleFlags, seriesStates } from '@lapwing/contracts/series-state'
import { seriesCount } from '@lapwing/contracts/series-table'

/** Visits the samples that were scored; returns their number. Throws a ColumnError when the columns do not fit together. */
export function eachScore(batch: ScoreBatch, visit: (series: number, timestampMs: number, score: number) => void): number {
  const samplesPerSeries = uint32Column(batch.samplesPerSeries, seriesCount(batch.series))
  const count = samplesPerSeries.reduce((sum, samples) => sum + samples, 0)
  const timestampsMs = float64Column(batch.timestampsMs, count)
  const scores = float32Column(batch.scores, count)
  const expected = float32Column(batch.expected, count)
  const states = uint8Column(batch.states, count)
  const flags = uint8Column(batch.flags, count)
  let visited = 0
  for (let series = 0, at = 0; series < samplesPerSeries.length; series++) {
    for (const end = at + samplesPerSeries[series]!; at < end; at++) {
      if (flags[at]! & (sampleFlags.imputed | sampleFlags.stale) || warming.has(states[at]!) || Number.isNaN(expected[at]!))
        continue
      visit(series, timestampsMs[at]!, scores[at]!)
      visited++
    }
  }
  return visited
}

const warming: ReadonlySet<number> = new Set([seriesStates.indexOf('warming'), seriesStates.indexOf('warming_from_cohort')])
