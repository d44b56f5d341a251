/** Rows of five minutes for novelty, whose constants were found on data of five minutes: so that fast and slow scrapes are seen alike. */
import { observeNovelty } from './fading-novelty.ts'
import type { SampleInHand } from './sample.ts'
import type { SeriesInHand } from './series-pages.ts'
import { field } from './series-row.ts'

/** A row, or the sample itself where samples are further apart. */
export const rowMs = 300_000

/** How novel the row is that the sample ends; 0 within a row. */
export function observeRow(series: SeriesInHand, { value, timestampMs, elapsedMs }: SampleInHand): number {
  const { rows, at } = series
  rows[at + field.rowSum]! += value
  const count = ++rows[at + field.rowCount]!
  if (timestampMs - rows[at + field.rowStartMs]! < rowMs - elapsedMs / 2) return 0
  const mean = rows[at + field.rowSum]! / count
  rows[at + field.rowStartMs] = timestampMs
  rows[at + field.rowSum] = rows[at + field.rowCount] = 0
  return observeNovelty(series.novelty, series.place, mean)
}
