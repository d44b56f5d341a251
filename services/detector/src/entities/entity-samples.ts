/** The samples of one entity out of a batch, with the names of their series. */
import { ColumnError, float64Column, uint8Column } from '@lapwing/contracts/columns'
import type { SampleBatch } from '@lapwing/contracts/records'
import { sampleFlags } from '@lapwing/contracts/series-state'
import { keyText, labelReader } from '@lapwing/contracts/series-table'
import type { SeriesNames } from './series-names.ts'

export interface EntitySample {
  /** Of the series. */
  readonly name: string
  readonly timestampMs: number
  readonly value: number
}

/**
 * In the order of time, so that a row is whole before the next one begins. Throws a ColumnError when the columns do not fit together.
 *
 * @param places of each series its number, its first sample and the one after its last
 */
export function samplesOf(
  batch: SampleBatch,
  places: readonly (readonly [series: number, from: number, to: number])[],
  names: SeriesNames,
): EntitySample[] {
  const timestampsMs = float64Column(batch.timestampsMs)
  const values = float64Column(batch.values, timestampsMs.length)
  const flags = uint8Column(batch.flags, timestampsMs.length)
  const readLabels = labelReader(batch.series)
  const samples: EntitySample[] = []
  for (const [series, from, to] of places) {
    if (to > timestampsMs.length) throw new ColumnError(`series ${series} has more samples than the batch`)
    const name = names.nameOf(keyText(batch.series, series), () => readLabels(series))
    for (let at = from; at < to; at++) {
      if (flags[at]! & sampleFlags.stale || !Number.isFinite(timestampsMs[at]!)) continue
      samples.push({ name, timestampMs: timestampsMs[at]!, value: values[at]! })
    }
  }
  return samples.sort((a, b) => a.timestampMs - b.timestampMs)
}
