/** Samples of one series on their way from a source into a batch, whichever the source was. */
import { entityKey, type LabelSet, seriesKey } from '@lapwing/contracts/series'
import type { SeriesIdentity } from '@lapwing/contracts/series-table'

/** Columns of equal length, timestamps rising. */
export interface SeriesSamples {
  readonly series: SeriesIdentity
  /** Milliseconds since the epoch. */
  readonly timestampsMs: readonly number[]
  /** Finite; 0 where the stale flag is set. */
  readonly values: readonly number[]
  /** `sampleFlags` of each sample. */
  readonly flags: readonly number[]
}

/** @param entityBy names of the labels that make an entity */
export function identify(labels: LabelSet, entityBy: readonly string[]): SeriesIdentity {
  return { labels, key: seriesKey(labels), entity: entityKey(labels, entityBy) }
}
