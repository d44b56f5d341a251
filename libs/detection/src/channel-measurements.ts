/**
 * What the channels of a series measure: how far the value is from what season and recent level let expect (spike), how far the mean of a
 * quarter of an hour (level) and of some hours (trend) is, how large changes are (volatility); and what stands still, is silent or
 * resets again and again, by what was usual. The means are followed sample by sample and kept in the row of the series.
 *
 * Nothing here knows when a measurement is news (`channel-news.ts`) or what is told of it (`series-detector.ts`).
 */
import { leastHalfWidth } from './detection-policy.ts'
import { rowMs } from './novelty-rows.ts'
import type { SampleInHand } from './sample.ts'
import { type Change, observeChange, found as season } from './seasonal-profile.ts'
import type { SeriesInHand } from './series-pages.ts'
import { channelNumber, field, warmUpSamples } from './series-row.ts'

export function isUp(channel: number): boolean {
  return channel % 2 === 0
}

export function isSeasonal(channel: number): boolean {
  return channel >= channelNumber.levelUp && channel <= channelNumber.trendDown
}

/** Measured in minutes; the others move slowly, and would otherwise learn what is just growing before it is news. */
export function isQuick(channel: number): boolean {
  return channel <= channelNumber.spikeDown
}

/** Days after which a channel begins to measure: one that needs the season after a week, one that needs it hour by hour after two. */
export function firstDayOf(channel: number): number {
  if (channel === channelNumber.missedEvent) return 14
  if (isSeasonal(channel)) return 7
  return channel === channelNumber.volatility ? 2 : 0
}

export function begin(rows: Float64Array, at: number, value: number, timestampMs: number): void {
  rows[at + field.localLevel] = value
  rows[at + field.previous] = value
  rows[at + field.flatSinceMs] = timestampMs
  rows[at + field.blockStartMs] = rows[at + field.dayStartMs] = timestampMs
  rows[at + field.rowStartMs] = timestampMs - rowMs
}

export function noteGap(
  rows: Float64Array,
  at: number,
  { stepMs, imputed }: { readonly stepMs: number; readonly imputed: boolean },
  elapsedMs: number,
): void {
  const samples = rows[at + field.samples]!
  if (samples === 0) return
  const missing = stepMs > 0 ? Math.max(0, Math.round(elapsedMs / stepMs) - 1) : 0
  const share = missing > 0 || imputed ? 1 : 0
  rows[at + field.gapShare]! += Math.min(1, gapWeight * Math.max(1, missing)) * (share - rows[at + field.gapShare]!)
  const interval = rows[at + field.intervalMs]!
  if (elapsedMs > rows[at + field.usualGapMs]!) {
    rows[at + field.usualGapMs]! += (samples < warmUpSamples ? 1 : 0.75) * (elapsedMs - rows[at + field.usualGapMs]!)
  }
  const weight = Math.max(1 / samples, 0.01)
  rows[at + field.intervalMs] = interval + weight * (Math.min(elapsedMs, samples > 10 ? 3 * interval : elapsedMs) - interval)
}

export function silenceScore(rows: Float64Array, at: number, nowMs: number, sinceMs: number): number {
  if (rows[at + field.samples]! < warmUpSamples) return 0
  return (nowMs - Math.max(sinceMs, rows[at + field.lastMs]!)) / silenceLimitMs(rows, at)
}

function silenceLimitMs(rows: Float64Array, at: number): number {
  return Math.max(silenceIntervals * rows[at + field.intervalMs]!, gapMargin * rows[at + field.usualGapMs]!)
}

/** The rate per second since the last reading. A smaller reading is a reset: that interval tells no rate, so the last one stands. */
export function counterRate(rows: Float64Array, at: number, reading: number, elapsedMs: number): number {
  const last = rows[at + field.reading]!
  rows[at + field.reading] = reading
  rows[at + field.resets]! *= Math.exp(-elapsedMs / resetFadeMs)
  if (elapsedMs === 0) return 0
  if (reading >= last) return ((reading - last) / elapsedMs) * 1000
  rows[at + field.resets]!++
  return rows[at + field.previous]!
}

/** When a season becomes known, or is not known at this hour, what is expected stays as it was. */
export function keepLevel(rows: Float64Array, at: number): void {
  const isKnown = season.isKnown ? 1 : 0
  if (isKnown !== rows[at + field.wasSeasonKnown]) {
    rows[at + field.localLevel]! += rows[at + field.lastSeason]! - season.value
    rows[at + field.wasSeasonKnown] = isKnown
  }
  rows[at + field.lastSeason] = season.value
}

/** Means that the channels measure. */
export function follow({ rows, at }: SeriesInHand, { value, timestampMs, elapsedMs }: SampleInHand): void {
  const samples = rows[at + field.samples]!
  const change = Math.abs(value - rows[at + field.previous]!)
  const moves = change > leastHalfWidth * Math.abs(value)
  rows[at + field.movingShare]! += weightOf(samples, elapsedMs, usualChangeMs) * ((moves ? 1 : 0) - rows[at + field.movingShare]!)
  if (moves) {
    const flatMs = rows[at + field.lastMs]! - rows[at + field.flatSinceMs]!
    rows[at + field.usualFlatMs] = Math.max(rows[at + field.usualFlatMs]!, samples === 0 ? 0 : flatMs)
    rows[at + field.flatSinceMs] = timestampMs
  }
  if (!season.isKnown) return
  const off = value - season.value - rows[at + field.slowLevel]!
  const usual = rows[at + field.usualResidual]!
  const largest = usual > 0 ? largestResidual * usual : Math.abs(off)
  const residual = Math.min(largest, Math.max(-largest, off))
  rows[at + field.usualResidual]! += (elapsedMs / (usualChangeMs + elapsedMs)) * (Math.abs(residual) - usual)
  rows[at + field.quickResidual]! += (elapsedMs / (quickResidualMs + elapsedMs)) * (residual - rows[at + field.quickResidual]!)
  rows[at + field.slowResidual]! += (elapsedMs / (slowResidualMs + elapsedMs)) * (residual - rows[at + field.slowResidual]!)
}

/** Of a sample in a mean over `spanMs`: the mean of all at first. */
function weightOf(samples: number, elapsedMs: number, spanMs: number): number {
  return Math.max(1 / (samples + 1), elapsedMs / (spanMs + elapsedMs))
}

const change: Change = { size: 0, usual: 0, elapsedMs: 0 }

/** How much the series moves, beside what is usual at this hour. */
export function followChange({ rows, at, profiles, place }: SeriesInHand, { value, quarter, elapsedMs }: SampleInHand): void {
  const samples = rows[at + field.samples]!
  const size = Math.abs(value - rows[at + field.previous]!)
  change.usual = rows[at + field.usualChange]!
  const usual = Math.max(change.usual, rows[at + field.hourChange]!)
  change.size = samples > 10 && usual > 0 ? Math.min(size, largestChange * usual) : size
  change.elapsedMs = elapsedMs
  rows[at + field.quickChange]! += weightOf(samples, elapsedMs, quickChangeMs) * (change.size - rows[at + field.quickChange]!)
  rows[at + field.usualChange]! += weightOf(samples, elapsedMs, usualChangeMs) * (change.size - rows[at + field.usualChange]!)
  rows[at + field.hourChange] = observeChange(profiles, place, quarter, change)
}

export function measurementOf(rows: Float64Array, at: number, channel: number, off: number): number {
  switch (channel) {
    case 0:
      return off
    case 1:
      return -off
    case 2:
      return rows[at + field.quickResidual]!
    case 3:
      return -rows[at + field.quickResidual]!
    case 4:
      return rows[at + field.slowResidual]!
    case 5:
      return -rows[at + field.slowResidual]!
    default: {
      const usual = Math.max(rows[at + field.hourChange]!, rows[at + field.usualChange]! / 4)
      return usual > 0 ? rows[at + field.quickChange]! / usual : 0
    }
  }
}

export function flatScore(rows: Float64Array, at: number, timestampMs: number): number {
  const flatMs = timestampMs - rows[at + field.flatSinceMs]!
  if (rows[at + field.movingShare]! < leastMovingShare) return 0
  const limitMs = Math.max(leastFlatSamples * rows[at + field.intervalMs]!, flatMargin * rows[at + field.usualFlatMs]!)
  return flatMs / limitMs
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const leastFlatSamples = 15
/** A series that often stands still cannot be told to. */
const leastMovingShare = 0.5
const flatMargin = 2
const silenceIntervals = 3.5
const gapMargin = 1.5
const gapWeight = 0.02
const resetFadeMs = 30 * minuteMs
const quickResidualMs = 25 * minuteMs
/** A sample counts for at most this many usual residuals in the means: they are to tell what lasts, not what is large. */
const largestResidual = 10
const slowResidualMs = 3 * hourMs
const usualChangeMs = 24 * hourMs
const quickChangeMs = 30 * minuteMs
/** A jump counts for at most this many usual changes: a few jumps are not a volatile series. */
const largestChange = 4
