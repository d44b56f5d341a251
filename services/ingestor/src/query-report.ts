/**
 * What an answer tells of the query that brought it, before it is polled for months: how many series, and how many of them are
 * of little use to a detector.
 */
import { type EvaluationRange, pointCount } from '@lapwing/prometheus/alignment'
import type { QuerySeries } from '@lapwing/prometheus/query-answer'

export interface SeriesCounts {
  readonly series: number
  readonly points: number
  /** Series without a number at more than `sparseShare` of the steps between their first and the end: most often a label that comes and goes. */
  readonly sparse: number
  /** Series of at least two points that never changed. */
  readonly constant: number
}

/** The share of missing steps from which the detector calls a series sparse. */
export const sparseShare = 0.3

export function countSeries(answer: readonly QuerySeries[], range: EvaluationRange): SeriesCounts {
  const counts = { series: answer.length, points: 0, sparse: 0, constant: 0 }
  for (const { timestampsMs, values } of answer) {
    const numbers = values.filter(Number.isFinite)
    counts.points += numbers.length
    const possible = pointCount({ ...range, startMs: timestampsMs[0] ?? range.startMs })
    if (numbers.length < (1 - sparseShare) * possible) counts.sparse++
    if (numbers.length >= 2 && numbers.every((value) => value === numbers[0])) counts.constant++
  }
  return counts
}
