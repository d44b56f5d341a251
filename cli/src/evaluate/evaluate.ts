/** What `lapwing evaluate` does: reads, judges, prints. */
import { existsSync } from 'node:fs'
import { canaryMetric } from '@lapwing/contracts/series'
import { type Evaluation, type EvaluationInput, evaluate, type GroupEvaluation } from '@lapwing/evaluation/accuracy-evaluator'
import { evaluatePoints, type PointEvaluation } from '@lapwing/evaluation/evaluate-points'
import { keptEvaluation } from '@lapwing/evaluation/evaluation-history'
import { groupBy } from '@lapwing/evaluation/event-accuracy'
import { readLabels } from '@lapwing/evaluation/labels-file'
import { accuracyOf, classificationReport, emptyMatrix, summedMatrix } from '@lapwing/evaluation/point-accuracy'
import { canaryAccuracy } from '@lapwing/reports/canary-accuracy'
import { keepEvaluation, readHistory } from '@lapwing/reports/history-file'
import { readRecords, recordsWithin } from '@lapwing/reports/period-records'
import { type RecordedEpisode, recordedEpisodes } from '@lapwing/reports/recorded-episodes'
import { readMoment } from '../backtest/read-range.ts'
import { durationText, shareText } from '../terminal/number-text.ts'
import { type Column, jsonLine, textTable } from '../terminal/text-table.ts'
import type { Deployment } from '../topics/open-log.ts'
import { UserError } from '../user-error.ts'
import { historyTable } from './history-table.ts'
import { readScored } from './scored-file.ts'

export interface EvaluateOptions {
  readonly from: string
  readonly to: string
  readonly labels?: string
  /** As labels, of faults that were put in. */
  readonly faults?: string
  /** File to which the result is added. */
  readonly keep?: string
  /** Those episodes too that nobody was told of. */
  readonly all: boolean
  readonly json: boolean
}

/** Rejects with a UserError or ConfigError. */
export async function evaluateLog({ log, prefix, write }: Deployment, options: EvaluateOptions, nowMs: number): Promise<void> {
  const [fromMs, toMs] = [readMoment(options.from, '--from', nowMs), readMoment(options.to, '--to', nowMs)]
  if (toMs <= fromMs) throw new UserError('--from, --to: expected an end after the beginning')
  const truth = truthOf(options)
  const all = await readRecords(log, prefix)
  const canary = canaryAccuracy(all, fromMs, toMs)
  const episodes = recordedEpisodes(recordsWithin(all, fromMs, toMs)).filter((episode) => isJudged(episode, options, truth))
  const verdicts = new Map(episodes.flatMap(({ id, verdict }) => (verdict ? [[id, verdict] as const] : [])))
  const evaluation = evaluate({ fromMs, toMs, episodes, verdicts, truth })
  const name = [fromMs, toMs].map((ms) => new Date(ms).toISOString().slice(0, 16)).join(' to ')
  const history = options.keep === undefined ? [] : keepEvaluation(options.keep, keptEvaluation(name, evaluation, canary))
  if (options.json) write(jsonLine({ ...evaluation, canary, ...(options.keep !== undefined && { history }) }))
  else write(`${evaluationText(evaluation)}${canaryText(canary)}${history.length > 0 ? `\n${historyTable(history)}` : ''}`)
}

/** Throws a UserError or ConfigError. */
export function keptText(file: string, json: boolean): string {
  if (!existsSync(file)) throw new UserError(`--history: ${file} is not there; \`lapwing evaluate --keep ${file}\` makes it`)
  const history = readHistory(file)
  return json ? history.map(jsonLine).join('') : historyTable(history)
}

/** A series that was never anomalous is not among the anomalies, so any name will do. */
function truthOf({ labels, faults }: EvaluateOptions): EvaluationInput['truth'] {
  if (labels !== undefined && faults !== undefined) throw new UserError('--labels, --faults: expected one of them')
  const file = labels ?? faults
  return file === undefined ? undefined : readLabels(file, undefined)
}

/** Of faults that were put in, what became of their series counts, whether or not anybody was told. A canary is judged by itself. */
function isJudged(
  { told, series, metric }: RecordedEpisode,
  { all, faults }: EvaluateOptions,
  truth: EvaluationInput['truth'],
): boolean {
  if (faults !== undefined) return truth?.events.some((event) => event.series === series) ?? false
  return metric !== canaryMetric && (told || all)
}

/** Throws a UserError or ConfigError. */
export function evaluateScored(file: string, labels: string | undefined, json: boolean): string {
  if (labels === undefined) throw new UserError('--scored: expected --labels beside it, to know what is right')
  const scored = readScored(file)
  const events = groupBy(readLabels(labels, [...scored.keys()]).events, ({ series }) => series)
  const bySeries = [...scored].map(([name, points]) => ({ name, ...evaluatePoints(points, events.get(name) ?? []) }))
  const matrix = bySeries.reduce((sum, one) => summedMatrix(sum, one.matrix), emptyMatrix)
  const report = classificationReport(matrix)
  return json ? jsonLine({ matrix, report, bySeries }) : pointText(bySeries, report, matrix)
}

const groupColumns: readonly Column[] = [
  { heading: '', align: 'left', maxCharacters: 70 },
  { heading: 'EPISODES', align: 'right' },
  { heading: 'EVENTS', align: 'right' },
  { heading: 'PRECISION', align: 'right' },
  { heading: 'RECALL', align: 'right' },
  { heading: 'F1', align: 'right' },
  { heading: 'DELAY p50', align: 'right' },
  { heading: 'FALSE/DAY', align: 'right' },
  { heading: 'JUDGED', align: 'right' },
  { heading: 'RIGHT', align: 'right' },
]

function evaluationText({ fromMs, toMs, all, bySeries, byModel, byRoute, byFault }: Evaluation): string {
  const table = (heading: string, groups: readonly GroupEvaluation[]) =>
    groups.length === 0
      ? ''
      : `\n${textTable([{ ...groupColumns[0]!, heading }, ...groupColumns.slice(1)], groups.slice(0, mostRows).map(groupRow))}`
  const [from, to] = [fromMs, toMs].map((ms) => new Date(ms).toISOString().slice(0, 16).replace('T', ' '))
  return `${from} to ${to}\n${table('', [all])}${table('ROUTE', byRoute)}${table('MODEL', byModel)}${table('SERIES', bySeries)}${faultTable(byFault)}`
}

const faultColumns: readonly Column[] = [
  { heading: 'FAULT', align: 'left', maxCharacters: 50 },
  ...['FAULTS', 'FOUND', 'RECALL', 'DELAY p50', 'DELAY p95'].map((heading) => ({ heading, align: 'right' as const })),
]

function faultTable(faults: Evaluation['byFault']): string {
  const delay = (ms: number | null) => (ms === null ? '-' : durationText(ms))
  const rows = faults.map(({ kind, faults: count, found, medianDelayMs, p95DelayMs }) => [
    ...[kind, String(count), String(found), shareText(found / count)],
    ...[delay(medianDelayMs), delay(p95DelayMs)],
  ])
  return rows.length === 0 ? '' : `\n${textTable(faultColumns, rows)}`
}

function canaryText(canary: Evaluation | undefined): string {
  const accuracy = canary?.all.byLabels
  if (!canary || !accuracy) return ''
  const { events, eventsFound } = accuracy.counts
  return `\nCanary: ${eventsFound} of ${events} faults found, precision ${shareText(accuracy.precision)}\n${faultTable(canary.byFault)}`
}

const mostRows = 40

function groupRow({ name, episodes, byLabels, byVerdicts }: GroupEvaluation): string[] {
  const { counts, precision = null, recall = null, f1 = null, medianDelayMs = null } = byLabels ?? {}
  return [
    name,
    String(episodes),
    counts ? String(counts.events) : '-',
    ...[precision, recall, f1].map(shareText),
    medianDelayMs === null ? '-' : durationText(medianDelayMs),
    byLabels ? byLabels.falseAlarmsPerDay.toFixed(2) : '-',
    String(byVerdicts.judged),
    shareText(byVerdicts.precision),
  ]
}

type NamedPoints = PointEvaluation & { readonly name: string }

function pointText(
  bySeries: readonly NamedPoints[],
  report: ReturnType<typeof classificationReport>,
  matrix: PointEvaluation['matrix'],
): string {
  const columns = (first: string, ...others: string[]): Column[] => [
    { heading: first, align: 'left', maxCharacters: 70 },
    ...others.map((heading) => ({ heading, align: 'right' as const })),
  ]
  const { truePositives, falsePositives, falseNegatives, trueNegatives } = matrix
  return [
    textTable(columns('', 'CALLED NORMAL', 'CALLED ANOMALOUS'), [
      ['normal', String(trueNegatives), String(falsePositives)],
      ['anomalous', String(falseNegatives), String(truePositives)],
    ]),
    `\n${textTable(
      columns('', 'PRECISION', 'RECALL', 'F1', 'SAMPLES'),
      report.map(({ name, precision, recall, f1, support }) => [
        name,
        ...[precision, recall, f1].map(shareText),
        String(support),
      ]),
    )}`,
    `\n${textTable(columns('SERIES', 'PRECISION', 'RECALL', 'F1', 'PR-AUC', 'VUS-PR'), bySeries.map(pointRow))}`,
  ].join('')
}

function pointRow({ name, matrix, averagePrecision, volumeUnderSurface }: NamedPoints): string[] {
  const { precision, recall, f1 } = accuracyOf(matrix)
  return [name, ...[precision, recall, f1, averagePrecision, volumeUnderSurface].map(shareText)]
}
