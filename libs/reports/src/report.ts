/**
 * A report: what happened in a day, a week or a month, in numbers. A function of the records of the log and of what people wrote down; open this file
 * first, `report-html.ts` only shows what stands here.
 *
 * People were told of an episode when a receiver took a message that it fires. Noise is what they were spared: records that ended without a message,
 * each with the reason that the alerter gave.
 */
import type { Model, Notification, Severity } from '@lapwing/contracts/records'
import { type Evaluation, type EvaluationInput, evaluate } from '@lapwing/evaluation/accuracy-evaluator'
import { type KeptEvaluation, keptEvaluation } from '@lapwing/evaluation/evaluation-history'
import { groupBy } from '@lapwing/evaluation/event-accuracy'
import type { PeriodRecords } from './period-records.ts'
import { type RecordedEpisode, recordedEpisodes } from './recorded-episodes.ts'
import type { ReportPeriod } from './report-period.ts'

export interface ReportInput {
  readonly period: ReportPeriod
  readonly records: PeriodRecords
  /** Those of the period before, for comparison. */
  readonly recordsBefore: PeriodRecords
  /** undefined: nobody wrote anything down. */
  readonly truth: EvaluationInput['truth']
  /** Of the routes that have one. */
  readonly budgets: readonly RouteBudget[]
  /** undefined where nobody could say. */
  readonly coverage: Coverage | undefined
  /** By the faults of the canary; undefined where none is on the log. */
  readonly canary: Evaluation | undefined
  /** Evaluations that were kept, of any kind of report and any time. */
  readonly history: readonly KeptEvaluation[]
}

export interface RouteBudget {
  readonly route: string
  readonly notifications: number
  readonly perMs: number
}

/** How the series stood when the report was made. */
export interface Coverage {
  readonly series: number
  /** State and number of series, the most first. */
  readonly byState: readonly (readonly [state: string, series: number])[]
}

export interface Figures {
  readonly episodes: number
  readonly told: number
  readonly toldBySeverity: Readonly<Record<Severity, number>>
  /** Messages that a receiver took. */
  readonly messages: number
  /** Records that ended without one. */
  readonly spared: number
  readonly series: number
}

export interface RouteUse {
  readonly route: string
  /** That something began or got worse. */
  readonly alerts: number
  readonly ends: number
  readonly alertsPerDay: number
  /** Share of what the budget allows for a time as long as the period; null without a budget. */
  readonly budgetUsed: number | null
}

export interface SeriesTrouble {
  readonly series: string
  readonly episodes: readonly RecordedEpisode[]
  readonly told: number
  /** Within the period. */
  readonly anomalousMs: number
  readonly falseAlarms: number
  readonly peakScore: number
}

export interface Report {
  readonly period: ReportPeriod
  readonly figures: Figures
  readonly figuresBefore: Figures
  /** Told ones, the worst first. */
  readonly incidents: readonly RecordedEpisode[]
  readonly episodes: readonly RecordedEpisode[]
  /** Most first. */
  readonly noise: readonly { readonly reason: string; readonly records: number }[]
  /** Of the told ones: what people got. */
  readonly evaluation: Evaluation
  readonly routes: readonly RouteUse[]
  readonly models: readonly Model[]
  /** Most time anomalous first. */
  readonly worstSeries: readonly SeriesTrouble[]
  readonly coverage: Coverage | undefined
  readonly canary: Evaluation | undefined
  /** Reports of this kind up to this one, which is the last: at most a dozen. */
  readonly trend: readonly KeptEvaluation[]
}

export function buildReport(input: ReportInput): Report {
  const { period, records, recordsBefore, truth, budgets, coverage, canary, history } = input
  const episodes = recordedEpisodes(records)
  const verdicts = new Map(episodes.flatMap(({ id, verdict }) => (verdict ? [[id, verdict] as const] : [])))
  const evaluation = evaluate({
    ...{ fromMs: period.fromMs, toMs: period.toMs, verdicts, truth },
    episodes: episodes.filter(({ told }) => told),
  })
  return {
    period,
    figures: figuresOf(episodes, records),
    figuresBefore: figuresOf(recordedEpisodes(recordsBefore), recordsBefore),
    incidents: episodes.filter(({ told }) => told).sort(worstFirst),
    episodes,
    noise: noiseOf(records.notifications),
    evaluation,
    routes: routesOf(records.notifications, period, budgets),
    models: [...records.models].sort((a, b) => a.stateAtMs - b.stateAtMs || (a.modelId < b.modelId ? -1 : 1)),
    worstSeries: worstSeriesOf(episodes, period),
    ...{ coverage, canary },
    trend: trendOf(history, keptEvaluation(`${period.kind} ${period.name}`, evaluation, canary), period),
  }
}

const trendLength = 12

/** What was kept of later reports is left out, so that a report made again is the same. */
function trendOf(history: readonly KeptEvaluation[], own: KeptEvaluation, { kind, fromMs }: ReportPeriod): KeptEvaluation[] {
  const before = history.filter(({ name, toMs }) => name.startsWith(`${kind} `) && toMs <= fromMs)
  return [...before, own].slice(-trendLength)
}

const dayMs = 86_400_000
const severityOrder: readonly Severity[] = ['critical', 'warning', 'info']

function figuresOf(episodes: readonly RecordedEpisode[], { notifications }: PeriodRecords): Figures {
  const told = episodes.filter((episode) => episode.told)
  const count = (severity: Severity) => told.filter((episode) => episode.severity === severity).length
  return {
    episodes: episodes.length,
    told: told.length,
    toldBySeverity: { info: count('info'), warning: count('warning'), critical: count('critical') },
    messages: notifications.filter(({ outcome }) => outcome === 'delivered').length,
    spared: notifications.filter(({ outcome }) => outcome === 'suppressed').length,
    series: new Set(episodes.map(({ series }) => series)).size,
  }
}

function worstFirst(a: RecordedEpisode, b: RecordedEpisode): number {
  const bySeverity = severityOrder.indexOf(a.severity) - severityOrder.indexOf(b.severity)
  return bySeverity || b.peakScore - a.peakScore || a.openedAtMs - b.openedAtMs || (a.id < b.id ? -1 : 1)
}

function noiseOf(notifications: readonly Notification[]): Report['noise'] {
  const suppressed = notifications.filter(({ outcome }) => outcome === 'suppressed')
  const groups = [...groupBy(suppressed, ({ reason }) => reason)].map(([reason, own]) => ({ reason, records: own.length }))
  return groups.sort((a, b) => b.records - a.records || (a.reason < b.reason ? -1 : 1))
}

function routesOf(
  notifications: readonly Notification[],
  { fromMs, toMs }: ReportPeriod,
  budgets: readonly RouteBudget[],
): RouteUse[] {
  const delivered = groupBy(
    notifications.filter(({ outcome }) => outcome === 'delivered'),
    ({ route }) => route,
  )
  const names = [...new Set([...delivered.keys(), ...budgets.map(({ route }) => route)])].sort()
  return names.map((route) => {
    const own = delivered.get(route) ?? []
    const budget = budgets.find((one) => one.route === route)
    const allowed = budget && (budget.notifications * (toMs - fromMs)) / budget.perMs
    const alerts = own.filter(({ state }) => state === 'firing').length
    return {
      ...{ route, alerts, ends: own.length - alerts },
      alertsPerDay: (alerts * dayMs) / (toMs - fromMs),
      budgetUsed: allowed === undefined ? null : own.length / allowed,
    }
  })
}

function worstSeriesOf(episodes: readonly RecordedEpisode[], period: ReportPeriod): SeriesTrouble[] {
  const troubles = [...groupBy(episodes, ({ series }) => series)].map(([series, own]) => ({
    series,
    episodes: own,
    told: own.filter(({ told }) => told).length,
    anomalousMs: own.reduce((sum, episode) => sum + anomalousMs(episode, period), 0),
    falseAlarms: own.filter(({ verdict }) => verdict === 'false_alarm').length,
    peakScore: Math.max(...own.map(({ peakScore }) => peakScore)),
  }))
  return troubles.sort((a, b) => b.anomalousMs - a.anomalousMs || (a.series < b.series ? -1 : 1))
}

/** An episode that is open lasts to the end of the period. */
export function anomalousMs({ startedAtMs, endedAtMs }: RecordedEpisode, { fromMs, toMs }: ReportPeriod): number {
  return Math.max(0, Math.min(endedAtMs ?? toMs, toMs) - Math.max(startedAtMs, fromMs))
}
