/** Evaluations over time, for a terminal: a line for each, and the course of each number. */
import { faultRecall, type KeptEvaluation } from '@lapwing/evaluation/evaluation-history'
import { durationText, shareText } from '../terminal/number-text.ts'
import { sparkline } from '../terminal/sparkline.ts'
import { type Column, textTable } from '../terminal/text-table.ts'

const columns: readonly Column[] = [
  { heading: 'WHEN', align: 'left', maxCharacters: 50 },
  ...['EPISODES', 'PRECISION', 'RECALL', 'F1', 'DELAY p50', 'FALSE/DAY', 'JUDGED', 'RIGHT', 'CANARY', 'ITS DELAY'].map(
    (heading) => ({ heading, align: 'right' as const }),
  ),
]
const shownRows = 40

/** The newest last. */
export function historyTable(history: readonly KeptEvaluation[]): string {
  const shown = history.slice(-shownRows)
  const course = (numberOf: (one: KeptEvaluation) => number | null) => (shown.length < 2 ? '' : lineOf(shown.map(numberOf)))
  const courses = [
    'course',
    ...[
      course(({ episodes }) => episodes),
      ...[course(({ precision }) => precision), course(({ recall }) => recall), course(({ f1 }) => f1)],
      ...[course(({ medianDelayMs }) => medianDelayMs), course(({ falseAlarmsPerDay }) => falseAlarmsPerDay)],
      ...[course(({ judged }) => judged), course(({ verdictPrecision }) => verdictPrecision)],
      ...[course(faultRecall), course(({ faultDelayMs }) => faultDelayMs)],
    ],
  ]
  return textTable(columns, [...shown.map(rowOf), ...(shown.length < 2 ? [] : [courses])])
}

function rowOf(one: KeptEvaluation): string[] {
  const delay = (ms: number | null) => (ms === null ? '-' : durationText(ms))
  return [
    one.name,
    String(one.episodes),
    ...[one.precision, one.recall, one.f1].map(shareText),
    delay(one.medianDelayMs),
    one.falseAlarmsPerDay?.toFixed(2) ?? '-',
    String(one.judged),
    shareText(one.verdictPrecision),
    one.faults === 0 ? '-' : `${one.faultsFound} of ${one.faults}`,
    delay(one.faultDelayMs),
  ]
}

/** A character for each of the newest; a blank where nothing is known. */
function lineOf(values: readonly (number | null)[]): string {
  const newest = values.slice(-lineCharacters)
  const points = newest.flatMap((value, i) => (value === null ? [] : [{ at: i, value }]))
  return sparkline(
    { length: points.length, timestampsMs: points.map(({ at }) => at), values: points.map(({ value }) => value) },
    { fromMs: 0, toMs: newest.length, width: newest.length },
  )
}

const lineCharacters = 12
