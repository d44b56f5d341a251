/**
 * The states of many series, in pages of neighbouring slots: a slab that doubles is half empty, and twice there while it is copied.
 */
import { createNoveltyStates, type NoveltyStates, noveltyViews } from './fading-novelty.ts'
import { memoryOf } from './memory.ts'
import { createProfileStates, type ProfileStates, profileViews } from './seasonal-profile.ts'
import { rowLength } from './series-row.ts'
import { createTablePool, type TablePool } from './table-pool.ts'

/** A series, part by part: its page, and where it is in that. */
export interface SeriesInHand {
  rows: Float64Array
  /** Where the row of the series begins in `rows`. */
  at: number
  novelty: NoveltyStates
  profiles: ProfileStates
  /** Slot of the series in `novelty` and `profiles`. */
  place: number
}

interface Page {
  readonly rows: Float64Array
  readonly novelty: NoveltyStates
  readonly profiles: ProfileStates
}

export interface SeriesPages {
  readonly pages: Page[]
  readonly tables: TablePool
  /** One object is reused for all series. */
  readonly inHand: SeriesInHand
}

export function createSeriesPages(): SeriesPages {
  const tables = createTablePool()
  const first = createPage(tables)
  return { pages: [first], tables, inHand: { ...first, at: 0, place: 0 } }
}

/** The series of a slot; pages are made as they are needed. Read it before the next call. */
export function turnTo({ pages, tables, inHand }: SeriesPages, slot: number): SeriesInHand {
  while (pages.length <= slot >> pageShift) pages.push(createPage(tables))
  const page = pages[slot >> pageShift]!
  inHand.rows = page.rows
  inHand.novelty = page.novelty
  inHand.profiles = page.profiles
  inHand.place = slot & (seriesPerPage - 1)
  inHand.at = inHand.place * rowLength
  return inHand
}

export function rowOf({ rows, at }: SeriesInHand): Float64Array {
  return rows.subarray(at, at + rowLength)
}

/** The memory of a series behind its row, part by part, as it is. */
export function* viewsBehindRow({ novelty, profiles, place }: SeriesInHand): Generator<Uint8Array> {
  yield* profileViews(profiles, place)
  yield* noveltyViews(novelty, place)
}

export function rowView(series: SeriesInHand): Uint8Array {
  return memoryOf(rowOf(series))
}

const pageShift = 4
const seriesPerPage = 2 ** pageShift

function createPage(tables: TablePool): Page {
  return {
    rows: new Float64Array(seriesPerPage * rowLength),
    novelty: createNoveltyStates(seriesPerPage, tables),
    profiles: createProfileStates(seriesPerPage),
  }
}
