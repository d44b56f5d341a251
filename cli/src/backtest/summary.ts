/** A backtest in numbers: by series and in all. Everything that is printed, drawn or compared is made of this. */

import type { SimulatedMessage } from '@lapwing/alerter/simulate'
import { countEvents, type EventCounts, eventAccuracy, quantile } from '@lapwing/evaluation/event-accuracy'
import type { LabelFile } from '@lapwing/evaluation/labels-file'
import type { Accuracy } from '@lapwing/evaluation/point-accuracy'
import type { Backtest } from './backtest.ts'
import type { ScoreTrace } from './score-traces.ts'
import { type ToldEpisode, toldEpisodes } from './told-episodes.ts'

export interface SeriesSummary {
  readonly series: string
  readonly source: string
  readonly samples: number
  readonly episodes: number
  /** Episodes that people were told of. */
  readonly told: number
  /** Share of the samples whose score was above 1. */
  readonly anomalousShare: number
  readonly peakScore: number
}

export interface BacktestSummary {
  readonly fromMs: number
  readonly toMs: number
  readonly samples: number
  readonly series: readonly SeriesSummary[]
  readonly episodes: readonly ToldEpisode[]
  /** Of the records that open, raise and end episodes: the identities that the running services would have written. */
  readonly anomalyIds: readonly string[]
  readonly messages: readonly SimulatedMessage[]
  /** Messages that something began or got worse, a day. */
  readonly alertsPerDay: number
  /** Records that were not told, by reason, most first. */
  readonly suppressed: readonly (readonly [reason: string, records: number])[]
  /** With labels only. */
  readonly labelled: LabelledSummary | undefined
}

export interface LabelledSummary extends Accuracy {
  /** Of the episodes that people were told of. */
  readonly counts: EventCounts
  readonly medianDelayMs: number | null
  readonly falseAlarmsPerDay: number
}

const dayMs = 86_400_000

export function summarise(
  { traces, anomalies, simulated }: Backtest,
  fromMs: number,
  toMs: number,
  labels: LabelFile | undefined,
): BacktestSummary {
  const episodes = toldEpisodes(anomalies, simulated)
  const days = (toMs - fromMs) / dayMs
  const firing = simulated.messages.filter(({ state }) => state === 'firing').length
  const series = traces.map((trace) => seriesSummary(trace, episodes))
  return {
    ...{ fromMs, toMs, series, episodes },
    samples: series.reduce((sum, { samples }) => sum + samples, 0),
    anomalyIds: anomalies.map(({ id }) => id),
    messages: simulated.messages,
    alertsPerDay: firing / days,
    suppressed: suppressedReasons(simulated.outcomes),
    labelled: labels && labelledSummary(labels, episodes, { fromMs, toMs, days }),
  }
}

function seriesSummary(trace: ScoreTrace, all: readonly ToldEpisode[]): SeriesSummary {
  const episodes = all.filter(({ series }) => series === trace.text)
  const scores = trace.scores.subarray(0, trace.length)
  let anomalous = 0
  let peakScore = 0
  for (const score of scores) {
    if (score > 1) anomalous++
    if (score > peakScore) peakScore = score
  }
  return {
    ...{ series: trace.text, source: trace.source, samples: trace.length, peakScore },
    episodes: episodes.length,
    told: episodes.filter(({ toldAtMs }) => toldAtMs !== null).length,
    anomalousShare: trace.length > 0 ? anomalous / trace.length : 0,
  }
}

function suppressedReasons(outcomes: Backtest['simulated']['outcomes']): [string, number][] {
  const counts = new Map<string, number>()
  for (const { outcome, reason } of outcomes) if (outcome === 'suppressed') counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
}

interface Span {
  readonly fromMs: number
  readonly toMs: number
  readonly days: number
}

/** Windows outside of the range are left out: nobody could have found them. */
function labelledSummary(labels: LabelFile, episodes: readonly ToldEpisode[], { fromMs, toMs, days }: Span): LabelledSummary {
  const events = labels.events.filter((event) => event.toMs > fromMs && event.fromMs <= toMs)
  const told = episodes.flatMap(({ series, toldAtMs }) => (toldAtMs === null ? [] : [{ series, openedAtMs: toldAtMs }]))
  const counts = countEvents(events, told, labels.toleranceMs)
  return {
    ...eventAccuracy(counts),
    counts,
    medianDelayMs: quantile(counts.delaysMs, 0.5),
    falseAlarmsPerDay: (counts.episodes - counts.episodesRight) / days,
  }
}
