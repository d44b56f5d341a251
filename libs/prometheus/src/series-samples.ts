/** Samples of one series on their way from a source into a batch, whichever the source was. */
import type { LabelSet } from '@lapwing/contracts/series'
import { type LabelText, labelText, type SeriesIdentity, seriesIdentity } from '@lapwing/contracts/series-table'
import { createRecentCache } from './recent-cache.ts'

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
  return seriesIdentity(labels, entityBy, internText)
}

/** Label texts that are shared between series; of very long ones, fewer are remembered. */
const texts = createRecentCache<LabelText>(100_000, (text) => 1 + text.length / 200)

export function internText(text: string): LabelText {
  const known = texts.get(text)
  if (known) return known
  const made = labelText(text)
  texts.set(text, made)
  return made
}
