/** From the projection and the history to what the API answers. Pure; a number that is not finite becomes null, as JSON has no other way. */
import type { Label, Notification, Trouble } from '@lapwing/contracts/records'
import { seriesText } from '@lapwing/contracts/series'
import { reasonNames, type SeriesState, sampleFlags, stateText } from '@lapwing/contracts/series-state'
import type {
  AnomalyStep,
  AnomalyView,
  DriftRequest,
  JudgementView,
  LabelPair,
  Models,
  NotificationView,
  Overview,
  Points,
  Precision,
  QueryTrouble,
  SeriesList,
  SeriesRow,
  SeriesSummary,
} from './api-model.ts'
import type { EpisodeHistory, EpisodeStep, Judgement, VerdictCounts } from './history-store.ts'
import { newestSlot, newestSlots, slotsAfter } from './point-ring.ts'
import { countSeries, hasEnded, type Projection, type SeriesView } from './projection.ts'
import { seriesSearch } from './series-search.ts'

export interface SeriesQuery {
  /** Words or a selector, see `seriesSearch`. */
  readonly search: string
  /** Without: all, those that have ended last. */
  readonly state?: SeriesState | 'ended' | undefined
  readonly sort: 'score' | 'name'
  readonly limit: number
}

/** Throws a SearchProblem. */
export function seriesList(projection: Projection, query: SeriesQuery): SeriesList {
  const isFound = seriesSearch(query.search)
  const ended = new Set([...projection.series.values()].filter((view) => hasEnded(projection, view)))
  const isIn = (view: SeriesView) => !query.state || (ended.has(view) ? 'ended' : view.state) === query.state
  const matching = [...projection.series.values()].filter((view) => isIn(view) && isFound(view))
  const order = query.sort === 'score' ? mostAnomalousFirst : byText
  matching.sort((a, b) => Number(ended.has(a)) - Number(ended.has(b)) || order(a, b))
  const series = matching.slice(0, query.limit).map((view) => seriesRow(view, projection))
  return { total: projection.series.size, matching: matching.length, series }
}

/** These series as they are now, the most anomalous first; keys that are gone are left out. */
export function liveSeries(projection: Projection, keys: Iterable<string>, limit: number): SeriesSummary[] {
  const views = [...keys].flatMap((key) => projection.series.get(key) ?? [])
  return views
    .sort(mostAnomalousFirst)
    .slice(0, limit)
    .map((view) => seriesSummary(view, projection))
}

export function seriesSummary(view: SeriesView, projection: Pick<Projection, 'newestMs'>): SeriesSummary {
  const { columns } = view.points
  const newest = newestSlot(view.points)!
  return {
    key: view.key,
    metric: metricOf(view.labels),
    text: view.text,
    labels: pairs(view.labels),
    source: view.source,
    state: view.state,
    hasEnded: hasEnded(projection, view),
    stateDetail: finite(view.stateDetail),
    stateText: stateText(view.state, Math.abs(view.stateDetail) <= latestDateMs ? view.stateDetail : 0),
    atMs: columns.timestampsMs[newest]!,
    value: valueAt(view, newest),
    expected: brief(columns.expected[newest]!),
    lower: brief(columns.lower[newest]!),
    upper: brief(columns.upper[newest]!),
    score: brief(columns.scores[newest]!) ?? 0,
    confidence: brief(view.confidence) ?? 0,
    reason: reasonNames[columns.reasons[newest]!] ?? 'none',
  }
}

export function pointsAfter(view: SeriesView, afterMs: number): Points {
  const { columns } = view.points
  const slots = slotsAfter(view.points, afterMs)
  return {
    timestampsMs: slots.map((slot) => columns.timestampsMs[slot]!),
    values: slots.map((slot) => valueAt(view, slot)),
    expected: slots.map((slot) => brief(columns.expected[slot]!)),
    lower: slots.map((slot) => brief(columns.lower[slot]!)),
    upper: slots.map((slot) => brief(columns.upper[slot]!)),
    scores: slots.map((slot) => brief(columns.scores[slot]!) ?? 0),
    imputed: slots.map((slot) => (columns.flags[slot]! & sampleFlags.imputed ? 1 : 0)),
    reasons: slots.map((slot) => reasonNames[columns.reasons[slot]!] ?? 'none'),
  }
}

export function driftOf(projection: Projection, key: string): DriftRequest[] {
  return [...projection.driftRequests.values()]
    .filter((control) => control.seriesKey === key)
    .map(({ id, detector, reason, requestedAtMs }) => ({ id, detector, reason, atMs: requestedAtMs }))
}

/** All requests for retraining that are remembered, newest first. */
export function driftRequests(projection: Projection): Models['requests'] {
  return [...projection.driftRequests.values()]
    .reverse()
    .map(({ id, detector, reason, requestedAtMs, scope, labels, ...numbers }) => ({
      ...{ id, detector, reason, scope, atMs: requestedAtMs, text: labels.length > 0 ? seriesText(labels) : scope },
      ...{ statistic: finite(numbers.statistic), threshold: finite(numbers.threshold) },
    }))
}

export function anomalyView({ episode, notifications, judgement }: EpisodeHistory): AnomalyView {
  const { worst } = episode
  return {
    episodeId: episode.episodeId,
    state: episode.state,
    severity: episode.severity,
    seriesKey: episode.seriesKey,
    entityKey: episode.entityKey,
    metric: episode.metric,
    text: seriesText(episode.labels),
    labels: pairs(episode.labels),
    source: episode.source,
    model: worst.model,
    startedAtMs: episode.startedAtMs,
    observedAtMs: episode.observedAtMs,
    endedAtMs: episode.endedAtMs,
    endReason: episode.endReason,
    value: finite(worst.value),
    expected: finite(worst.expected),
    lower: finite(worst.lower),
    upper: finite(worst.upper),
    score: finite(worst.score),
    peakScore: finite(episode.peakScore),
    confidence: finite(worst.confidence),
    reasons: [...worst.reasons],
    suppressedBy: episode.newest.suppressedBy,
    notifications: notifications.map(notificationView),
    judgement: judgement ? judgementView(judgement) : null,
  }
}

export function anomalyStep({ id, state, severity, observedAtMs, value, expected, score }: EpisodeStep): AnomalyStep {
  return { id, state, severity, atMs: observedAtMs, value: finite(value), expected: finite(expected), score: finite(score) }
}

export function judgementView({ verdict, author, comment, origin, atMs, untilMs }: Judgement): JudgementView {
  return { verdict, author, comment, origin, atMs, untilMs }
}

/** A level that has become normal says nothing of whether it was right to tell of it. */
export function precisionView(fromMs: number, counts: VerdictCounts): Precision {
  const right = counts.confirmed + counts.known
  const judged = right + counts.false_alarm + counts.expected
  return { fromMs, counts: { ...counts }, judged, precision: judged === 0 ? null : right / judged }
}

export function troubleView({ subject, text, ...rest }: Trouble): QueryTrouble {
  return { id: subject, promql: text, ...rest }
}

export interface OverviewInputs {
  readonly nowMs: number
  readonly log: string
  readonly openAnomalies: number | null
  readonly behindRecords: number
  readonly explorer: string
  readonly queries: Overview['queries']
  readonly troubles: Overview['troubles']
  readonly waitingFor: readonly string[]
}

export function overview(projection: Projection, inputs: OverviewInputs): Overview {
  const newestSampleMs = projection.newestMs ?? null
  return {
    ...inputs,
    sources: [...projection.sources],
    series: { ...countSeries(projection), notShown: projection.droppedKeys.size },
    newestSampleMs,
    lagSeconds: lagSeconds(newestSampleMs, inputs.nowMs),
  }
}

/** From the newest sample until now; 0 for a sample from the future, because clocks differ. */
export function lagSeconds(newestSampleMs: number | null, nowMs: number): number | null {
  return newestSampleMs === null ? null : Math.max(0, nowMs - newestSampleMs) / 1000
}

const recentPoints = 60
/** Beyond it a number is no date (ECMAScript, "Time Values"); a record from outside may hold any. */
const latestDateMs = 8.64e15

function seriesRow(view: SeriesView, projection: Projection): SeriesRow {
  return {
    ...seriesSummary(view, projection),
    recent: newestSlots(view.points, recentPoints).map((slot) => brief(valueAt(view, slot) ?? Number.NaN)),
  }
}

/** Anomalous ones first, then by score; among equals by text, so that the order does not change from one answer to the next. */
function mostAnomalousFirst(a: SeriesView, b: SeriesView): number {
  const anomalous = Number(b.state === 'anomalous') - Number(a.state === 'anomalous')
  return anomalous || newestScore(b) - newestScore(a) || byText(a, b)
}

function newestScore(view: SeriesView): number {
  const score = view.points.columns.scores[newestSlot(view.points)!]!
  return Number.isFinite(score) ? score : 0
}

function byText(a: SeriesView, b: SeriesView): number {
  return a.text < b.text ? -1 : a.text > b.text ? 1 : 0
}

/** A stale marker ends a series: it has a time and no value. */
function valueAt(view: SeriesView, slot: number): number | null {
  const { columns } = view.points
  return columns.flags[slot]! & sampleFlags.stale ? null : finite(columns.values[slot]!)
}

function metricOf(labels: readonly Label[]): string {
  return labels.find((label) => label.name === '__name__')?.value ?? ''
}

function pairs(labels: readonly Label[]): LabelPair[] {
  return labels.map(({ name, value }) => [name, value])
}

function notificationView(notification: Notification): NotificationView {
  const { id, route, receiver, outcome, reason, state, severity, attempts, error, atMs } = notification
  return { id, route, receiver, outcome, reason, state, severity, attempts, error, atMs }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

/** Six digits: what a float32 holds, and a third of the text that its exact decimal form takes. */
function brief(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(6)) : null
}
