/**
 * Snapshots of version 1, which began with the row of the series and had no version of their own. They load for ever: what they
 * lack begins as in a new series. Their half-space trees had other cuts, so those begin anew as well.
 */
import { episodeFields } from './episode.ts'
import { type NoveltyStates, restoreNoveltyVersion1 } from './fading-novelty.ts'
import { memoryOf, takeInto } from './memory.ts'
import { field } from './series-row.ts'

export interface RestoreTarget {
  readonly row: Float64Array
  readonly novelty: NoveltyStates
  /** Of the series, within `novelty`. */
  readonly place: number
}

/** Throws a RangeError when the bytes do not fit the layout. */
export function restoreVersion1(bytes: Uint8Array, { row, novelty, place }: RestoreTarget): void {
  const columns = new Float64Array(20)
  let at = takeInto(memoryOf(columns), bytes, 0) + treesLength
  at += restoreNoveltyVersion1(novelty, place, bytes.subarray(at))
  if (at !== bytes.length) throw new RangeError(`snapshot of ${bytes.length} bytes, expected ${at}`)
  row.fill(0)
  for (const [column, old] of sameColumns) row[column] = columns[old]!
  row[field.rowStartMs] = row[field.blockStartMs] = row[field.dayStartMs] = row[field.flatSinceMs] = row[field.lastMs]!
}

/** Columns that mean the same, with their place in version 1. */
const sameColumns: readonly (readonly [column: number, old: number])[] = [
  [field.samples, 0],
  [field.lastMs, 1],
  [field.previous, 2],
  [field.localLevel, 3],
  [field.gapShare, 9],
  [field.heldSinceMs, 10],
  [field.episode + episodeFields.startedAtMs, 11],
  [field.episode + episodeFields.peakScore, 12],
  [field.episode + episodeFields.severity, 13],
  [field.episode + episodeFields.normalSamples, 14],
  [field.episode + episodeFields.anomalousSamples, 15],
  [field.episode + episodeFields.lastStartedAtMs, 16],
]

/** Whether warm, samples in the window (2), then counts (2) and scores (4) of 10 trees with 64 leaves. */
const treesLength = 1 + 2 + 640 * (2 + 4)
