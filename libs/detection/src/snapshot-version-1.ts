/**
 * Snapshots of version 1, which began with the row of the series and had no version of their own. They load for ever: what they
 * lack begins as in a new series. Their half-space trees had other cuts, so those begin anew as well.
 */
import { type NoveltyStates, restoreNoveltyVersion1 } from './fading-novelty.ts'
import { memoryOf, takeInto } from './memory.ts'

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
  row.set(columns)
}

/** Whether warm, samples in the window (2), then counts (2) and scores (4) of 10 trees with 64 leaves. */
const treesLength = 1 + 2 + 640 * (2 + 4)
