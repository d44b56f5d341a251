/**
 * The ends of blocks: a quarter of an hour of the first day, then days. What the channels measured in them becomes what is usual, and the
 * thresholds are worked out anew.
 */
import {
  calibrationFields,
  type Experience,
  endBlock,
  endDay,
  learnPeak,
  learnUsual,
  rememberedDays,
  setThreshold,
} from './calibration.ts'
import { firstDayOf, isQuick } from './channel-measurements.ts'
import { hasScale, leastDeviation } from './detection-policy.ts'
import type { SampleInHand } from './sample.ts'
import type { SeriesInHand } from './series-pages.ts'
import { calibrationOf, channelNumber, channels, field } from './series-row.ts'

/** Counts the sample; when that ends a block, calibrates. A channel may bring news `newsPerMs` times in a millisecond. */
export function countInBlock({ rows, at }: SeriesInHand, sample: SampleInHand, newsPerMs: number): void {
  if (++rows[at + field.blockSamples]! < leastBlockSamples) return
  if (sample.timestampMs - rows[at + field.blockStartMs]! < leastBlockMs) return
  endBlocks(rows, at, sample)
  setThresholds(rows, at, newsPerMs)
}

function endBlocks(rows: Float64Array, at: number, { timestampMs, policy, expected }: SampleInHand): void {
  const elapsedMs = timestampMs - rows[at + field.blockStartMs]!
  const days = rows[at + field.days]!
  const fade = 0.5 ** (elapsedMs / peakHalfLifeMs)
  const isDayOver = timestampMs - rows[at + field.dayStartMs]! >= dayMs
  const least = leastDeviation(policy, expected, days) / 4
  for (let channel = 0; channel < channels.length; channel++) {
    const largest = endBlock(rows, at + calibrationOf(channel), channel >= channelNumber.volatility ? 1 : least)
    if (days >= firstDayOf(channel)) endBlockOf(rows, at, channel, { largest, fade, isDayOver })
  }
  rows[at + field.usualFlatMs]! *= fade
  rows[at + field.usualGapMs]! *= fade
  rows[at + field.usualResets] = Math.max(rows[at + field.usualResets]! * fade, rows[at + field.resets]!)
  rows[at + field.blocks]!++
  rows[at + field.blockStartMs] = timestampMs
  rows[at + field.blockSamples] = 0
  if (!isDayOver) return
  rows[at + field.days] = days + 1
  rows[at + field.dayStartMs] = timestampMs
}

interface EndedBlock {
  /** The largest measurement of the block. */
  readonly largest: number
  /** What is left of a peak after the block. */
  readonly fade: number
  readonly isDayOver: boolean
}

function endBlockOf(rows: Float64Array, at: number, channel: number, { largest, fade, isDayOver }: EndedBlock): void {
  const calibration = at + calibrationOf(channel)
  const days = rows[at + field.days]!
  const known = days - firstDayOf(channel)
  if (days === 0) {
    const blocks = rows[at + field.blocks]!
    // So young a series would take one event for its habit: news is not learned as usual, and only in part as the peak. Unless it is all there is.
    const threshold = rows[calibration + calibrationFields.threshold]!
    const isNews = blocks > 1 && largest > threshold
    if (!isNews) learnUsual(rows, calibration, largest, blocks)
    learnPeak(rows, calibration, isNews && hasScale(threshold) ? threshold : largest, fade, blocks)
  } else if (isQuick(channel)) learnPeak(rows, calibration, largest, fade, rows[at + field.blocks]!)
  if (!isDayOver) return
  const ofDay = endDay(rows, calibration)
  learnUsual(rows, calibration, ofDay, known)
  if (!isQuick(channel)) learnPeak(rows, calibration, ofDay, 0.5 ** (dayMs / peakHalfLifeMs), known)
}

const experience: Experience = { blocks: 1, wantedRate: 1 }

function setThresholds(rows: Float64Array, at: number, newsPerMs: number): void {
  const days = rows[at + field.days]!
  const blockMs = days > 0 ? dayMs : Math.max(leastBlockMs, leastBlockSamples * rows[at + field.intervalMs]!)
  experience.wantedRate = newsPerMs * blockMs
  for (let channel = 0; channel < channels.length; channel++) {
    const known = days > 0 ? days - firstDayOf(channel) : rows[at + field.blocks]!
    if (known <= 0) continue
    experience.blocks = days > 0 ? Math.min(known, rememberedDays) : known
    setThreshold(rows, at + calibrationOf(channel), experience, marginOf(channel, known))
  }
}

/** Few days tell little about what moves slowly. */
function marginOf(channel: number, knownDays: number): number {
  return margins[channel]! * (isQuick(channel) ? 1 : 1 + 1 / knownDays ** 2)
}

const dayMs = 86_400_000
const leastBlockMs = 900_000
const leastBlockSamples = 12
const peakHalfLifeMs = 28 * dayMs
/** What moves slowly stays above its threshold once it is there, so it must go further. */
const margins = [1, 1, 1.15, 1.15, 1.1, 1.1, 1.2, 1.1]
