/**
 * Tries a series out: its fetched points through the detector of `libs/detection`, as the service would see them when it polls at that step.
 * Pure.
 *
 * Points before `shownFromMs` are learned from and open nothing, as history does. What it cannot know: cohorts, verdicts of people, and what
 * the service has learned over weeks.
 */
import { type ReasonName, reasonNames } from '@lapwing/contracts/series-state'
import { SeriesDetector, type SeriesDetectorOptions } from '@lapwing/detection/series-detector'
import { contributionNames, type DetectorState, toldBound, type Verdict } from '@lapwing/detection/verdict'
import type { QuerySeries } from '@lapwing/prometheus/query-answer'
import type { Points } from '../api-model.ts'

export interface Trial {
  /** From `shownFromMs` on. */
  readonly points: Points
  readonly episodes: readonly TrialEpisode[]
  /** After the last point. */
  readonly state: DetectorState
  readonly stateDetail: number
  readonly confidence: number
}

export interface TrialEpisode {
  readonly startedAtMs: number
  /** null while it is open. */
  readonly endedAtMs: number | null
}

export interface TrialOptions {
  readonly detector: SeriesDetectorOptions
  readonly stepMs: number
  readonly shownFromMs: number
}

export function tryOut({ timestampsMs, values }: QuerySeries, { detector: options, stepMs, shownFromMs }: TrialOptions): Trial {
  const detector = new SeriesDetector(options)
  const { verdict } = detector
  const points = emptyPoints()
  const episodes: { startedAtMs: number; endedAtMs: number | null }[] = []
  timestampsMs.forEach((timestampMs, i) => {
    const value = values[i]!
    const live = timestampMs >= shownFromMs
    if (!Number.isFinite(value)) return
    detector.update(0, { timestampMs, value, imputed: false, stale: false, stepMs, live })
    if (!live) return
    pushScored(points, timestampMs, value, verdict)
    if (verdict.transition === 'opened') episodes.push({ startedAtMs: timestampMs, endedAtMs: null })
    if (verdict.transition === 'resolved') episodes.at(-1)!.endedAtMs = timestampMs
  })
  const { state, stateDetail, confidence } = verdict
  return { points, episodes, state, stateDetail, confidence }
}

export type PointColumnsInMaking = { -readonly [Column in keyof Points]: Points[Column][number][] }

export function emptyPoints(): PointColumnsInMaking {
  return { timestampsMs: [], values: [], expected: [], lower: [], upper: [], scores: [], imputed: [], reasons: [] }
}

function pushScored(points: PointColumnsInMaking, timestampMs: number, value: number, verdict: Verdict): void {
  const isWarm = verdict.confidence > 0
  points.timestampsMs.push(timestampMs)
  points.values.push(value)
  points.expected.push(isWarm ? toldBound(verdict.expected, verdict) : null)
  points.lower.push(isWarm ? toldBound(verdict.lower, verdict) : null)
  points.upper.push(isWarm ? toldBound(verdict.upper, verdict) : null)
  points.scores.push(verdict.score)
  points.imputed.push(0)
  points.reasons.push(strongestReason(verdict))
}

function strongestReason({ score, contributions }: Verdict): ReasonName {
  if (score <= 1) return 'none'
  const strongest = contributionNames[contributions.indexOf(Math.max(...contributions))]
  return reasonNames.find((name) => name === strongest) ?? 'none'
}
