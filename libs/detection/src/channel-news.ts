/**
 * When what a channel measures is news: its measurement over the threshold that is calibrated for the series, above 1 news, with the
 * reason noted in the verdict.
 */
import { calibrationFields, measure } from './calibration.ts'
import { firstDayOf, flatScore, isQuick, isUp, measurementOf } from './channel-measurements.ts'
import { type DetectionPolicy, hasScale, leastDeviation } from './detection-policy.ts'
import { episodeFields } from './episode.ts'
import type { SampleInHand } from './sample.ts'
import { distanceFromDay, found as season } from './seasonal-profile.ts'
import type { SeriesInHand } from './series-pages.ts'
import { calibrationOf, channelNumber, channels, field, sampleChannels, warmUpSamples } from './series-row.ts'
import { contributionNumber, type Verdict } from './verdict.ts'

/** What a channel must measure to be news. */
export function thresholdOf(rows: Float64Array, at: number, channel: number, policy: DetectionPolicy, expected: number): number {
  const least = channel === channelNumber.volatility ? leastVolatility : leastDeviation(policy, expected, rows[at + field.days]!)
  const threshold =
    rows[at + field.blocks] === 0
      ? peakOf(rows, at, channel) * unknownPeak
      : rows[at + calibrationOf(channel) + calibrationFields.threshold]!
  return Math.max(least, threshold)
}

/** The largest that a channel usually measures; before the first block has ended, the largest of it so far. */
export function peakOf(rows: Float64Array, at: number, channel: number): number {
  const { blockMax, peak } = calibrationFields
  return rows[at + calibrationOf(channel) + (rows[at + field.blocks] === 0 ? blockMax : peak)]!
}

/**
 * Measures the sample in every channel and returns the largest score; above 1 is news. Contributions are noted. What stands still or
 * resets must do so `patience` times as much.
 */
export function scoreChannels(series: SeriesInHand, sample: SampleInHand, verdict: Verdict, patience: number): number {
  const { rows, at } = series
  const { policy, expected } = sample
  const { contributions } = verdict
  const days = rows[at + field.days]!
  let largest = 0
  for (let channel = 0; channel < sampleChannels; channel++) {
    const measurement = measurementOf(rows, at, channel, sample.value - expected)
    if (measurement <= 0) continue
    const threshold = thresholdOf(rows, at, channel, policy, expected)
    const wanted =
      policy.direction === 'both' || channel === channelNumber.volatility || isUp(channel) === (policy.direction === 'up')
    const known = isQuick(channel) || days >= firstDayOf(channel) + 2
    const learned = hasScale(threshold) ? Math.min(measurement, largestLearned * threshold) : measurement
    const isUsual = !isFirstAnomaly(rows, at, measurement, threshold)
    if (days >= firstDayOf(channel) && isUsual) measure(rows, at + calibrationOf(channel), learned)
    if (!wanted || !known) continue
    const score = measurement / threshold
    contribute(series, contributions, channel, score, measurement)
    largest = Math.max(largest, score)
  }
  const flat = flatScore(rows, at, sample.timestampMs) / patience
  contributions[contributionNumber.flatline] = flat
  const resets = rows[at + field.resets]! / Math.max(leastResets, resetMargin * rows[at + field.usualResets]!) / patience
  contributions[contributionNumber.resets] = resets
  return Math.max(largest, flat, resets)
}

/**
 * Whether this belongs to an anomaly of the first block. It would be all that is known of the series: nothing of its size would be news
 * for weeks, and the band eight times as wide as it is large.
 */
function isFirstAnomaly(rows: Float64Array, at: number, measurement: number, threshold: number): boolean {
  const isFirstBlock = rows[at + field.blocks] === 0 && rows[at + field.samples]! >= warmUpSamples
  if (!isFirstBlock || !hasScale(threshold)) return false
  return measurement > threshold || rows[at + field.episode + episodeFields.startedAtMs]! > 0
}

/** Notes why: the channel, and for news the season as far as there would be none at another hour. */
function contribute(
  series: SeriesInHand,
  contributions: Float64Array,
  channel: number,
  score: number,
  measurement: number,
): void {
  const reason = contributionOf[channel]!
  const isSeasonKnown = season.isKnown && channel !== channelNumber.volatility
  const ofSeason = score > 1 && isSeasonKnown ? seasonalShare(series, isUp(channel) ? measurement : -measurement) : 0
  // Contributions are squared when they become shares.
  contributions[reason] = Math.max(contributions[reason]!, score * Math.sqrt(1 - ofSeason))
  const seasonReason = contributionNumber.season
  contributions[seasonReason] = Math.max(contributions[seasonReason]!, score * Math.sqrt(ofSeason))
}

/** Share, 0 to 1, of a deviation that there would not be at the best fitting hour of the day. */
function seasonalShare({ profiles, place }: SeriesInHand, off: number): number {
  return Math.max(0, 1 - distanceFromDay(profiles, place, season.value + off) / Math.abs(off))
}

const contributionOf = channels.map((channel) => {
  if (channel === 'volatility') return contributionNumber.volatility
  return channel.startsWith('spike')
    ? contributionNumber.spike
    : channel.startsWith('level')
      ? contributionNumber.level
      : contributionNumber.trend
})

/** Before the first block has ended: this much of its largest so far. */
const unknownPeak = 8
/** A measurement counts for at most this many thresholds when it is learned; the first of a series that stood at zero counts whole, or it would be news a dozen times. */
const largestLearned = 2
const leastVolatility = 1.6
const leastResets = 2.5
const resetMargin = 1.5
