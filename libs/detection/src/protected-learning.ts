/**
 * What a series learns of its level and season, and what it does not: while it is anomalous they learn nothing, for a bounded time; a
 * level that stays is then taken for normal, once.
 */
import { thresholdOf } from './channel-news.ts'
import type { SampleInHand } from './sample.ts'
import { learnQuarter, found as season } from './seasonal-profile.ts'
import type { SeriesInHand } from './series-pages.ts'
import { channelNumber, field } from './series-row.ts'

/** Whether this sample must not be learned; after half a window of that, what is there is the new normal, and taken over at once. */
export function isHeld({ rows, at }: SeriesInHand, sample: SampleInHand, windowMs: number): boolean {
  if (!sample.isAnomalous) {
    rows[at + field.heldSinceMs] = 0
    return false
  }
  const off = sample.value - sample.expected
  if (rows[at + field.heldSinceMs] === 0) {
    rows[at + field.heldSinceMs] = sample.timestampMs
    rows[at + field.heldResidual] = off
  }
  rows[at + field.heldResidual]! += heldWeight * (off - rows[at + field.heldResidual]!)
  const longestMs = Math.max(windowMs * longestHoldWindows, leastHeldSamples * rows[at + field.intervalMs]!)
  if (sample.timestampMs - rows[at + field.heldSinceMs]! < longestMs) return true
  adoptHeldLevel(rows, at)
  return false
}

/** Takes what was held back for the level. */
export function adoptHeldLevel(rows: Float64Array, at: number): void {
  rows[at + field.localLevel]! += rows[at + field.heldResidual]!
  rows[at + field.heldResidual] = 0
}

/** The level that is expected next follows within `windowMs`. */
export function learnLevel({ rows, at }: SeriesInHand, { value, expected, elapsedMs }: SampleInHand, windowMs: number): void {
  const samples = rows[at + field.samples]!
  const weight = Math.max(1 / (samples + 1), Math.min(elapsedMs / (windowMs + elapsedMs), 1 / leastWindowSamples))
  rows[at + field.localLevel]! += weight * (value - expected)
}

/** The slow level follows in days; a level that has been another one for hours is taken over at once. */
export function learnSlowLevel(
  { rows, at }: SeriesInHand,
  { timestampMs, elapsedMs, confirmed, isAnomalous }: SampleInHand,
): void {
  if (!season.isKnown) return
  const residual = rows[at + field.quickResidual]!
  const isShifted = confirmed > 1 && isAnomalous
  if (!isShifted) {
    rows[at + field.shiftedSinceMs] = 0
    rows[at + field.slowLevel]! += (elapsedMs / (slowLevelMs + elapsedMs)) * residual
    return
  }
  if (rows[at + field.shiftedSinceMs] === 0) rows[at + field.shiftedSinceMs] = timestampMs
  if (timestampMs - rows[at + field.shiftedSinceMs]! < longestShiftMs) return
  rows[at + field.slowLevel] = rows[at + field.localLevel]!
  rows[at + field.quickResidual] = rows[at + field.slowResidual] = 0
  rows[at + field.shiftedSinceMs] = 0
}

/** Quarters of an hour are averaged; what is anomalous counts as expected. */
export function learnSeason({ rows, at, profiles, place }: SeriesInHand, sample: SampleInHand): void {
  const { value, expected, policy } = sample
  const quarter = Math.floor(sample.quarter)
  if (quarter !== rows[at + field.quarter] && rows[at + field.quarterCount]! > 0) {
    const mean = rows[at + field.quarterSum]! / rows[at + field.quarterCount]!
    learnQuarter(profiles, place, rows[at + field.quarter]!, mean - rows[at + field.slowLevel]!, rows[at + field.days]!)
    rows[at + field.quarterSum] = rows[at + field.quarterCount] = 0
  }
  if (sample.confirmed > 1 && season.isKnown) return
  rows[at + field.quarter] = quarter
  const channel = value > expected ? channelNumber.spikeUp : channelNumber.spikeDown
  const threshold = thresholdOf(rows, at, channel, policy, expected)
  rows[at + field.quarterSum]! += Math.min(expected + threshold, Math.max(expected - threshold, value))
  rows[at + field.quarterCount]!++
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const slowLevelMs = 2 * dayMs
const longestShiftMs = 4 * hourMs
const longestHoldWindows = 0.5
const leastHeldSamples = 30
const heldWeight = 0.1
/** However far the samples are apart, this many are needed to call a level normal. */
const leastWindowSamples = 20
