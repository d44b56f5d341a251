/**
 * A series of an answer of Prometheus beside what Lapwing knows of it. Pure.
 *
 * It is one that Lapwing scores when its labels are those of a scored series, with the name that the poller gives to a series that brings none:
 * then its points are the scored ones as far back as they are kept, and Prometheus' own before that. Any other is tried out (`trial.ts`).
 */
import { type LabelSet, seriesKey, seriesText, sortedLabels } from '@lapwing/contracts/series'
import { stateText } from '@lapwing/contracts/series-state'
import { alignDown } from '@lapwing/prometheus/alignment'
import type { QuerySeries } from '@lapwing/prometheus/query-answer'
import type { ExploredSeries, Points, SeriesSummary } from '../api-model.ts'
import type { Projection, SeriesView } from '../projection.ts'
import { pointsAfter, seriesSummary } from '../views.ts'
import { emptyPoints, type Trial } from './trial.ts'

/** @param names that the poller may have given to the expression */
export function watchedView(projection: Projection, labels: LabelSet, names: readonly string[]): SeriesView | undefined {
  const hasName = labels.some(({ name }) => name === '__name__')
  const candidates = hasName ? [labels] : names.map((name) => named(labels, name))
  return candidates
    .map((candidate) => projection.series.get(seriesKey(candidate).toString('hex')))
    .find((view) => view !== undefined)
}

/** One point a step: of the scored ones in it the one with the highest score, so that nothing that was anomalous is left out. */
export function watchedPoints(view: SeriesView, { timestampsMs, values }: QuerySeries, shown: ShownRange): Points {
  const scored = thinned(pointsAfter(view, shown.fromMs - 1), shown)
  const points = emptyPoints()
  const scoredFromMs = alignDown(scored.timestampsMs[0] ?? Number.POSITIVE_INFINITY, shown.stepMs)
  timestampsMs.forEach((timestampMs, i) => {
    if (timestampMs < shown.fromMs || timestampMs >= scoredFromMs) return
    const value = values[i]!
    points.timestampsMs.push(timestampMs)
    points.values.push(Number.isFinite(value) ? value : null)
    for (const column of [points.expected, points.lower, points.upper]) column.push(null)
    points.scores.push(0)
    points.imputed.push(0)
    points.reasons.push('none')
  })
  return joined(points, scored)
}

export interface ShownRange {
  readonly fromMs: number
  readonly toMs: number
  readonly stepMs: number
}

export function watchedSeries(
  projection: Projection,
  view: SeriesView,
  points: Points,
): Omit<ExploredSeries, 'episodes' | 'drift'> {
  return { isWatched: true, series: seriesSummary(view, projection), points }
}

/** @param name of a series that brings none: the expression */
export function triedSeries({ labels }: QuerySeries, name: string, trial: Trial): ExploredSeries {
  const hasName = labels.some((label) => label.name === '__name__')
  const full = hasName ? labels : named(labels, name)
  return {
    isWatched: false,
    series: summaryOf(full, hasName ? '' : name, trial),
    points: trial.points,
    episodes: trial.episodes.map((episode) => ({ episodeId: `trial/${episode.startedAtMs}`, ...episode })),
    drift: [],
  }
}

function summaryOf(labels: LabelSet, name: string, { points, state, stateDetail, confidence }: Trial): SeriesSummary {
  const newest = points.timestampsMs.length - 1
  return {
    key: seriesKey(labels).toString('hex'),
    metric: name || (labels.find((label) => label.name === '__name__')?.value ?? ''),
    text: seriesText(labels),
    labels: labels.map((label) => [label.name, label.value] as const),
    source: '',
    hasEnded: false,
    ...{ state, stateDetail, stateText: stateText(state, stateDetail), confidence },
    atMs: points.timestampsMs[newest] ?? 0,
    value: points.values[newest] ?? null,
    expected: points.expected[newest] ?? null,
    lower: points.lower[newest] ?? null,
    upper: points.upper[newest] ?? null,
    score: points.scores[newest] ?? 0,
    reason: points.reasons[newest] ?? 'none',
  }
}

function named(labels: LabelSet, name: string): LabelSet {
  return sortedLabels([['__name__', name], ...labels.map((label) => [label.name, label.value] as const)])
}

function thinned(points: Points, { toMs, stepMs }: ShownRange): Points {
  const chosen = new Map<number, number>()
  points.timestampsMs.forEach((timestampMs, i) => {
    if (timestampMs > toMs) return
    const step = Math.floor(timestampMs / stepMs)
    const before = chosen.get(step)
    if (before === undefined || points.scores[i]! >= points.scores[before]!) chosen.set(step, i)
  })
  return picked(points, [...chosen.values()])
}

function picked(points: Points, places: readonly number[]): Points {
  return eachColumn(points, (column) => places.map((i) => column[i]))
}

function joined(first: Points, second: Points): Points {
  const columns = Object.keys(first) as (keyof Points)[]
  return Object.fromEntries(columns.map((name) => [name, [...first[name], ...second[name]]])) as unknown as Points
}

function eachColumn(points: Points, change: (column: readonly unknown[]) => readonly unknown[]): Points {
  return Object.fromEntries(Object.entries(points).map(([name, column]) => [name, change(column)])) as unknown as Points
}
