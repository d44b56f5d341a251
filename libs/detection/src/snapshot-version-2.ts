/**
 * Snapshots of version 2, which knew nothing of missed events. They load for ever: that begins as in a new series, all else goes on.
 */
import { noveltyViews } from './fading-novelty.ts'
import { forgetHours, profileViewsVersion2 } from './seasonal-profile.ts'
import { rowView, type SeriesInHand } from './series-pages.ts'
import { rowLengthVersion2 } from './series-row.ts'

/** The memory that such a snapshot fills, part by part; what it lacks is made empty. `isolation` is that of the series. */
export function* viewsOfVersion2(series: SeriesInHand, isolation: Iterable<Uint8Array>): Generator<Uint8Array> {
  const row = rowView(series)
  const lengthThen = rowLengthVersion2 * Float64Array.BYTES_PER_ELEMENT
  row.fill(0, lengthThen)
  forgetHours(series.profiles, series.place)
  yield row.subarray(0, lengthThen)
  yield* isolation
  yield* profileViewsVersion2(series.profiles, series.place)
  yield* noveltyViews(series.novelty, series.place)
}
