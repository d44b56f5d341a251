/** What `lapwing evaluate` does: reads, judges, prints. */
import { type Evaluation, evaluate, type GroupEvaluation } from '@lapwing/evaluation/accuracy-evaluator'
import { evaluatePoints, type PointEvaluation } from '@lapwing/evaluation/evaluate-points'
import { groupBy } from '@lapwing/evaluation/event-accuracy'
import { readLabels } from '@lapwing/evaluation/labels-file'
import { accuracyOf, classificationReport, emptyMatrix, summedMatrix } from '@lapwing/evaluation/point-accuracy'
import { readRecords, recordsWithin } from '@lapwing/reports/period-records'
import { recordedEpisodes } from '@lapwing/reports/recorded-episodes'
import { readMoment } from '../backtest/read-range.ts'
import { durationText, shareText } from '../terminal/number-text.ts'
import { type Column, jsonLine, textTable } from '../terminal/text-table.ts'
import type { Deployment } from '../topics/open-log.ts'
import { UserError } from '../user-error.ts'
import { readScored } from './scored-file.ts'

export interface EvaluateOptions {
  readonly from: string
  readonly to: string
  readonly labels?: string
  /** Those episodes too that nobody was told of. */
  readonly all: boolean
  readonly json: boolean
}

/** Rejects with a UserError or ConfigError. */
export async function evaluateLog({ log, prefix, write }: Deployment, options: EvaluateOptions, nowMs: number): Promise<void> {
  const [fromMs, toMs] = [readMoment(options.from, '--from', nowMs), readMoment(options.to, '--to', nowMs)]
  if (toMs <= fromMs) throw new UserError('--from, --to: expected an end after the beginning')
  const episodes = recordedEpisodes(recordsWithin(await readRecords(log, prefix), fromMs, toMs)).filter(
    ({ told }) => told || options.all,
  )
  const verdicts = new Map(episodes.flatMap(({ id, verdict }) => (verdict ? [[id, verdict] as const] : [])))
  // A series that was never anomalous is not among the anomalies, so any name will do.
  const truth = options.labels === undefined ? undefined : readLabels(options.labels, undefined)
  const evaluation = evaluate({ fromMs, toMs, episodes, verdicts, truth })
  write(options.json ? jsonLine(evaluation) : evaluationText(evaluation))
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

function evaluationText({ fromMs, toMs, all, bySeries, byModel, byRoute }: Evaluation): string {
  const table = (heading: string, groups: readonly GroupEvaluation[]) =>
    groups.length === 0
      ? ''
      : `\n${textTable([{ ...groupColumns[0]!, heading }, ...groupColumns.slice(1)], groups.slice(0, mostRows).map(groupRow))}`
  const [from, to] = [fromMs, toMs].map((ms) => new Date(ms).toISOString().slice(0, 16).replace('T', ' '))
  return `${from} to ${to}\n${table('', [all])}${table('ROUTE', byRoute)}${table('MODEL', byModel)}${table('SERIES', bySeries)}`
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
