/**
 * Evaluates PromQL for the page: one bounded `query_range` at the Prometheus that the ingestor polls, and what Lapwing makes of each series.
 *
 * Bounded in everything a person could type: the range and its points, the time, the answer in bytes, the series that are looked at, and how many
 * evaluations run or wait. No other address of Prometheus can be reached through it.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { accessOf } from '@lapwing/prometheus/access-settings'
import { alignDown } from '@lapwing/prometheus/alignment'
import type { QuerySeries } from '@lapwing/prometheus/query-answer'
import { createQueryClient, type QueryClient } from '@lapwing/prometheus/query-client'
import { configuredQueries } from '@lapwing/queries/configured-queries'
import { seriesDetectorOptions } from '@lapwing/queries/detector-settings'
import pLimit from 'p-limit'
import type { ExploredAnswer, ExploredSeries } from '../api-model.ts'
import type { HistoryStore } from '../history-store.ts'
import type { Projection } from '../projection.ts'
import { anomalyView, driftOf } from '../views.ts'
import { type ExploredSections, exploredDetector } from './explore-settings.ts'
import { type ShownRange, triedSeries, watchedPoints, watchedSeries, watchedView } from './explored-series.ts'
import { tryOut } from './trial.ts'

export interface Explorer {
  /** Why nothing can be evaluated; empty when it can. */
  readonly unavailable: string
  /** The expression behind a source of samples; undefined when it has a name, or is no query that is configured here. */
  promqlOf(source: string): string | undefined
  /** Rejects with a QueryError, ExplorerBusy, or the signal's reason. */
  explore(asked: AskedRange, signal: AbortSignal): Promise<ExploredAnswer>
}

/** Goes on with other settings while the service runs. */
export interface LiveExplorer extends Explorer {
  take(sections: ExploredSections): void
}

export interface AskedRange {
  readonly promql: string
  readonly fromMs: number
  readonly toMs: number
}

/** So many evaluations run and wait that one more would wait for too long. */
export class ExplorerBusy extends Error {}

export interface ExplorerSources {
  readonly projection: Projection
  readonly history: HistoryStore
}

/** Points of a series that are shown at most; a range of a week has a step of seven minutes. */
const shownPointsMost = 1500
/** Steps before the range that a series is warmed up with. */
const warmUpSteps = 500
const seriesMost = 20
const timeoutMostMs = 10_000
const runningMost = 2
const waitingMost = 8
const episodesPerSeries = 200

export function createLiveExplorer(sections: ExploredSections, sources: ExplorerSources): LiveExplorer {
  let current = createExplorer(sections, sources)
  return {
    get unavailable() {
      return current.unavailable
    },
    promqlOf: (source) => current.promqlOf(source),
    explore: (asked, signal) => current.explore(asked, signal),
    take: (next) => {
      current = createExplorer(next, sources)
    },
  }
}

export function createExplorer(sections: ExploredSections, sources: ExplorerSources): Explorer {
  const { ingestor } = sections
  const unavailable = whyNot(ingestor)
  if (!ingestor || unavailable)
    return { unavailable, promqlOf: () => undefined, explore: () => Promise.reject(new Error(unavailable)) }
  const client = clientOf(ingestor)
  const detector = seriesDetectorOptions(sections.detector ?? exploredDetector.parse({}))
  const queries = configuredQueries(ingestor)
  const limit = pLimit(runningMost)
  const evaluate = async ({ promql, ...asked }: AskedRange, signal: AbortSignal): Promise<ExploredAnswer> => {
    const range = rangeOf(asked, ingestor.step.ms)
    const warmFromMs = range.fromMs - warmUpSteps * range.stepMs
    const answer = await client.queryRange(promql, { startMs: warmFromMs, endMs: range.toMs, stepMs: range.stepMs }, signal)
    const known = queries.filter((query) => query.promql === promql)
    const names = [promql, ...known.flatMap(({ name }) => name ?? [])]
    const series: ExploredSeries[] = []
    for (const one of answer.slice(0, seriesMost)) {
      series.push(await exploredSeries(one, { range, names, detector, ...sources }))
      await nextTurn()
      signal.throwIfAborted()
    }
    return { promql, ...range, total: answer.length, isConfigured: known.length > 0, series }
  }
  return {
    unavailable,
    promqlOf: (source) => queries.find(({ name, id }) => name === undefined && id === source)?.promql,
    explore: (asked, signal) => {
      if (limit.pendingCount >= waitingMost) return Promise.reject(new ExplorerBusy())
      return limit(() => evaluate(asked, signal))
    },
  }
}

interface ExploredParts extends ExplorerSources {
  readonly range: ShownRange
  readonly names: readonly string[]
  readonly detector: Parameters<typeof tryOut>[1]['detector']
}

async function exploredSeries(one: QuerySeries, { range, names, detector, ...sources }: ExploredParts): Promise<ExploredSeries> {
  const { projection, history } = sources
  const view = watchedView(projection, one.labels, names)
  if (!view) return triedSeries(one, names[0]!, tryOut(one, { detector, stepMs: range.stepMs, shownFromMs: range.fromMs }))
  const { fromMs, toMs, stepMs } = range
  // The last step lasts until the next.
  const episodes = await history.episodes({ seriesKey: view.key, fromMs, toMs: toMs + stepMs, limit: episodesPerSeries })
  return {
    ...watchedSeries(projection, view, watchedPoints(view, one, range)),
    episodes: episodes.map(anomalyView).map(({ episodeId, startedAtMs, endedAtMs }) => ({ episodeId, startedAtMs, endedAtMs })),
    drift: driftOf(projection, view.key),
  }
}

/** The step of the poller where the range has room for it, else as fine as there are points for. */
function rangeOf({ fromMs, toMs }: Omit<AskedRange, 'promql'>, pollStepMs: number): ShownRange {
  const least = (toMs - fromMs) / shownPointsMost
  const stepMs = Math.max(1, Math.ceil(least / pollStepMs)) * pollStepMs
  return { fromMs: alignDown(fromMs, stepMs), toMs: alignDown(toMs, stepMs), stepMs }
}

type PolledPrometheus = NonNullable<ExploredSections['ingestor']>

function whyNot(ingestor: ExploredSections['ingestor']): string {
  if (!ingestor?.prometheus_url) return 'no Prometheus is configured: set prometheus_url'
  if (ingestor.prometheus_access === 'unreadable')
    return 'the files that ingestor.prometheus_access names cannot be read where the reporter runs'
  return ''
}

function clientOf({ prometheus_url: url, prometheus_access: access, ...settings }: PolledPrometheus): QueryClient {
  return createQueryClient({
    url: url!,
    timeoutMs: Math.min(settings.query_timeout.ms, timeoutMostMs),
    access: accessOf({ bearer_token: settings.prometheus_bearer_token, ...(access === 'unreadable' ? {} : access) }),
  })
}
