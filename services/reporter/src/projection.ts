/**
 * What the page shows of the series, folded from the records of the log: start reading here.
 *
 * A score batch moves each of its series on: state, newest points, strongest reason. A control record marks drift on its series.
 * Folding the same record again changes nothing, so the projection is rebuilt by reading the log from its beginning, and a
 * redelivered batch is harmless. Memory is bounded by `ProjectionLimits`; series beyond the limit are counted, not kept, and a
 * series that has ended makes room for a new one. Anomalies and notifications are kept by the history store, not here.
 *
 * Blind to what left the log: after a restart a chart begins where the log begins.
 */
import type { Control, ScoreBatch } from '@lapwing/contracts/records'
import { type LabelSet, seriesText } from '@lapwing/contracts/series'
import { type SeriesState, seriesStates } from '@lapwing/contracts/series-state'
import { keyText, labelReader, seriesCount } from '@lapwing/contracts/series-table'
import { appendPoint, createPointRing, newestSlots, type PointRing } from './point-ring.ts'
import { type ScoreColumns, scoreColumns } from './score-columns.ts'

export interface ProjectionLimits {
  readonly pointsPerSeries: number
  readonly maxSeries: number
}

export interface SeriesView {
  /** 32 hexadecimal digits. */
  readonly key: string
  readonly labels: LabelSet
  /** `name{label="value"}`. */
  readonly text: string
  readonly points: PointRing
  source: string
  model: string
  state: SeriesState
  /** The number that belongs to the state, see `stateText`. */
  stateDetail: number
  /** 0 to 1. */
  confidence: number
}

export interface Projection {
  readonly limits: ProjectionLimits
  readonly series: Map<string, SeriesView>
  /**
   * Keys of series that did not fit, with the newest time at which they did not; those that have ended are forgotten. Itself bounded, so
   * the count is a lower bound from `droppedKeysLimit` on.
   */
  readonly droppedKeys: Map<string, number>
  /** Sources of samples seen: query ids of polls, or remote-write. */
  readonly sources: Set<string>
  /** Requests for retraining by id, oldest first. */
  readonly driftRequests: Map<string, Control>
  /** Keys of series that changed since the set was last emptied. */
  readonly touched: Set<string>
  /** Newest sample of all series, milliseconds since the epoch; undefined before the first batch. */
  newestMs: number | undefined
  /** Newest time at which ended series were looked for, so that a full projection does not search at every batch. */
  sweptAtMs: number
  /** The same for series that did not fit. */
  droppedSweptAtMs: number
}

export function createProjection(limits: ProjectionLimits): Projection {
  return {
    limits,
    series: new Map(),
    droppedKeys: new Map(),
    sources: new Set(),
    driftRequests: new Map(),
    touched: new Set(),
    newestMs: undefined,
    sweptAtMs: Number.NEGATIVE_INFINITY,
    droppedSweptAtMs: Number.NEGATIVE_INFINITY,
  }
}

/** Throws a ColumnError when the batch is damaged; the series before the damage are then already folded. */
export function foldScores(projection: Projection, batch: ScoreBatch): void {
  const columns = scoreColumns(batch)
  const labelsOf = labelReader(batch.series)
  projection.newestMs = Math.max(projection.newestMs ?? Number.NEGATIVE_INFINITY, batch.newestMs)
  forgetDropped(projection, projection.newestMs)
  if (projection.sources.size < sourcesLimit) projection.sources.add(batch.source)
  let first = 0
  for (let i = 0; i < seriesCount(batch.series); i++) {
    const end = first + columns.samplesPerSeries[i]!
    const key = keyText(batch.series, i)
    const view = projection.series.get(key) ?? addSeries(projection, key, () => labelsOf(i))
    if (view && advance(view, columns, first, end, batch)) projection.touched.add(key)
    first = end
  }
}

/** Remembers a request for retraining; other kinds of control are not shown. */
export function foldControl(projection: Projection, control: Control): void {
  if (control.kind !== 'retrain' || projection.driftRequests.has(control.id)) return
  projection.driftRequests.set(control.id, control)
  if (projection.driftRequests.size > driftRequestsLimit) {
    projection.driftRequests.delete(projection.driftRequests.keys().next().value as string)
  }
  if (projection.series.has(control.seriesKey)) projection.touched.add(control.seriesKey)
}

/**
 * Whether nothing has come of it for an hour, by the time of the samples, or for three times as long as lies between its last two. It is kept to be looked
 * at until another needs the room.
 */
export function hasEnded({ newestMs = 0 }: Pick<Projection, 'newestMs'>, { points }: SeriesView): boolean {
  const [lastMs, beforeMs] = newestSlots(points, 2)
    .map((slot) => points.columns.timestampsMs[slot]!)
    .reverse()
  if (lastMs === undefined) return true
  return newestMs - lastMs > Math.max(endedAfterMs, 3 * (lastMs - (beforeMs ?? lastMs)))
}

export interface SeriesCounts {
  /** Those that have not ended. */
  readonly shown: number
  /** The same by state; every state is there, with 0 when none is in it. */
  readonly byState: Readonly<Record<SeriesState, number>>
  readonly ended: number
}

export function countSeries(projection: Projection): SeriesCounts {
  const byState = Object.fromEntries(seriesStates.map((state) => [state, 0])) as Record<SeriesState, number>
  let ended = 0
  for (const view of projection.series.values()) {
    if (hasEnded(projection, view)) ended++
    else byState[view.state]++
  }
  return { shown: projection.series.size - ended, byState, ended }
}

const sourcesLimit = 50
const driftRequestsLimit = 500
const droppedKeysLimit = 100_000
/** A series without a sample for this long, by the time of the samples, may be displaced by a new one. */
const endedAfterMs = 3_600_000
const sweepEveryMs = 60_000

/** True when at least one sample was new. */
function advance(view: SeriesView, columns: ScoreColumns, first: number, end: number, batch: ScoreBatch): boolean {
  let newest = -1
  for (let i = first; i < end; i++) {
    if (appendPoint(view.points, columns, i)) newest = i
  }
  if (newest < 0) return false
  view.source = batch.source
  view.model = batch.model
  view.state = seriesStates[columns.states[newest]!] ?? 'ok'
  view.stateDetail = columns.stateDetails[newest]!
  view.confidence = columns.confidence[newest]!
  return true
}

/** undefined when there is no room. */
function addSeries(projection: Projection, key: string, readLabels: () => LabelSet): SeriesView | undefined {
  if (projection.series.size >= projection.limits.maxSeries) removeEnded(projection)
  if (projection.series.size >= projection.limits.maxSeries) {
    noteDropped(projection, key)
    return undefined
  }
  const labels = readLabels()
  const view: SeriesView = {
    key,
    labels,
    text: seriesText(labels),
    points: createPointRing(projection.limits.pointsPerSeries),
    source: '',
    model: '',
    state: 'warming',
    stateDetail: 0,
    confidence: 0,
  }
  projection.series.set(key, view)
  projection.droppedKeys.delete(key)
  return view
}

function noteDropped({ droppedKeys, newestMs = 0 }: Projection, key: string): void {
  if (droppedKeys.size < droppedKeysLimit || droppedKeys.has(key)) droppedKeys.set(key, newestMs)
}

function forgetDropped(projection: Projection, newestMs: number): void {
  if (newestMs - projection.droppedSweptAtMs < sweepEveryMs) return
  projection.droppedSweptAtMs = newestMs
  for (const [key, atMs] of projection.droppedKeys) if (newestMs - atMs > endedAfterMs) projection.droppedKeys.delete(key)
}

function removeEnded(projection: Projection): void {
  const newestMs = projection.newestMs ?? Number.NEGATIVE_INFINITY
  if (newestMs - projection.sweptAtMs < sweepEveryMs) return
  projection.sweptAtMs = newestMs
  for (const [key, view] of projection.series) if (hasEnded(projection, view)) projection.series.delete(key)
}
