/**
 * The answer to a range query as samples: named, without what is no number, and with its short gaps filled.
 *
 * Most expressions give series without a metric name; such a series is named after its query. A NaN (no traffic, so no error ratio) or an infinity counts as a missing point.
 */
import { type LabelSet, sortedLabels } from '@lapwing/contracts/series'
import { fillGaps, type Points } from '@lapwing/prometheus/fill'
import type { QuerySeries } from '@lapwing/prometheus/query-answer'
import { type Intake, type IntakeRules, type LeftOutReason, takeIn } from '@lapwing/prometheus/series-intake'
import type { SeriesSamples } from '@lapwing/prometheus/series-samples'
import type { PollWindow } from './poll-plan.ts'

export interface PolledSamples {
  readonly series: readonly SeriesSamples[]
  /** Real ones; imputed ones are not counted. */
  readonly samples: number
  readonly imputed: number
  /** Points that were NaN or infinite. */
  readonly nonFinite: number
  /** Points of series that are left out, by reason. */
  readonly left: Readonly<Record<LeftOutReason, number>>
  /** What is wrong with the first of them; of those that a rule dropped nothing is. */
  readonly firstProblem: string | undefined
}

export interface SampleNaming {
  /** Metric name of a series that brings none. */
  readonly seriesName: string
  readonly rules: IntakeRules
  /** Longest gap that is filled. */
  readonly longestGapMs: number
  /** What becomes of the labels of an answer, which are the same object whenever a series comes again. */
  readonly known: WeakMap<LabelSet, Intake>
}

export function polledSamples(answer: readonly QuerySeries[], { range }: PollWindow, naming: SampleNaming): PolledSamples {
  const fillPolicy = { startMs: range.startMs, stepMs: range.stepMs, longestGapMs: naming.longestGapMs }
  const series: SeriesSamples[] = []
  const counts = { samples: 0, imputed: 0, nonFinite: 0 }
  const left = { relabelled: 0, label_limit: 0, invalid: 0 }
  let firstProblem: string | undefined
  for (const { labels, timestampsMs, values } of answer) {
    const intake = intakeOf(labels, naming)
    if (intake.reason !== undefined) {
      left[intake.reason] += values.length
      if (intake.reason !== 'relabelled') firstProblem ??= intake.problem
      continue
    }
    const points = finitePoints(timestampsMs, values)
    const filled = fillGaps(points, fillPolicy)
    counts.samples += points.values.length
    counts.imputed += filled.values.length - points.values.length
    counts.nonFinite += values.length - points.values.length
    series.push({ series: intake.identity, ...filled })
  }
  return { series, ...counts, left, firstProblem }
}

function intakeOf(labels: LabelSet, naming: SampleNaming): Intake {
  const found = naming.known.get(labels)
  if (found) return found
  const made = takeIn(named(labels, naming.seriesName), naming.rules)
  naming.known.set(labels, made)
  return made
}

/** Mostly all of them. */
function finitePoints(timestampsMs: readonly number[], values: readonly number[]): Points {
  if (values.every(Number.isFinite)) return { timestampsMs, values }
  const finite = values.map(Number.isFinite)
  return { timestampsMs: timestampsMs.filter((_, i) => finite[i]), values: values.filter((_, i) => finite[i]) }
}

function named(labels: LabelSet, seriesName: string): LabelSet {
  if (labels.some((label) => label.name === '__name__')) return labels
  return sortedLabels([['__name__', seriesName], ...labels.map(({ name, value }) => [name, value] as const)])
}
