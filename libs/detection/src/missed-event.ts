/**
 * An event that comes each day at this hour and stays out today: a nightly dip, a job, a peak at noon.
 *
 * Events of a season come some minutes sooner or later from day to day. Sample by sample their edges are as far from what is usual as
 * the whole event would be if it stayed out. Here the last four quarters of an hour are taken together: each as its mean beside the mean that is
 * usual in it, of the four the middle two, so that neither an edge that has moved nor a burst counts; beside the hours before, so
 * that neither a weekend that is not known yet nor another level counts; and in units of what is usual at this hour of the day.
 * It is news only where it takes away what sets the hour apart from the hours around it.
 *
 * Opens episodes that are recorded and notifies nobody. Blind before each hour of the week was seen twice, and to events that are much
 * shorter than an hour or last for hours.
 */
import { calibrationFields, measure } from './calibration.ts'
import { firstDayOf } from './channel-measurements.ts'
import { leastDeviation, matters } from './detection-policy.ts'
import type { SampleInHand } from './sample.ts'
import { observeLeftOver, usualOfQuarter, weekQuarters } from './seasonal-profile.ts'
import type { SeriesInHand } from './series-pages.ts'
import { calibrationOf, channelNumber, eventToldMs, field, olderErrors, quarterErrors } from './series-row.ts'

/** Above 1 news; 0 unless a quarter of an hour ends with this sample. */
export function scoreMissedEvent(series: SeriesInHand, sample: SampleInHand): number {
  const { rows, at, profiles, place } = series
  const quarter = rows[at + field.quarter]!
  const count = rows[at + field.quarterCount]!
  if (Math.floor(sample.quarter) === quarter || count === 0) return 0
  const usual = usualOfQuarter(profiles, place, quarter)
  if (Number.isNaN(usual)) return 0
  const off = endQuarter(rows, at, rows[at + field.quarterSum]! / count - rows[at + field.slowLevel]! - usual)
  const usualOff = observeLeftOver(profiles, place, quarter, Math.abs(off))
  if (!(usualOff > 0)) return 0
  learnOlder(rows, at, largestOlder * usualOff)
  const event = eventOf(series, quarter)
  const missing = -off / event
  const isMissed = Math.abs(event) > leastEvent * usualOff && missing > leastMissing && missing < mostMissing
  return isMissed ? tellOnce(series, sample, scoreOff(series, sample, off, Math.abs(off) / usualOff)) : 0
}

/** Takes in what is left over of a quarter; returns the same of the hour that ends with it. */
function endQuarter(rows: Float64Array, at: number, newest: number): number {
  const newer = rows[at + quarterErrors]!
  const older = rows[at + quarterErrors + 1]!
  const oldest = rows[at + quarterErrors + 2]!
  const off = middleOf(newest, newer, older, oldest) - rows[at + olderErrors]!
  rows[at + quarterErrors] = newest
  rows[at + quarterErrors + 1] = newer
  rows[at + quarterErrors + 2] = older
  return off
}

/** Mean of the middle two of four. */
function middleOf(a: number, b: number, c: number, d: number): number {
  return (a + b + c + d - Math.min(a, b, c, d) - Math.max(a, b, c, d)) / 2
}

/** What is older is what the next hours are seen beside; what is large counts for `most`. */
function learnOlder(rows: Float64Array, at: number, most: number): void {
  const off = rows[at + quarterErrors + 2]! - rows[at + olderErrors]!
  rows[at + olderErrors]! += olderWeight * Math.min(most, Math.max(-most, off))
}

/** How far what is usual in the hour that ends with a quarter is from what is usual in the hours around it. */
function eventOf({ profiles, place }: SeriesInHand, quarter: number): number {
  let within = 0
  let around = 0
  for (let away = -7; away <= 4; away++) {
    const usual = usualOfQuarter(profiles, place, (quarter + away + weekQuarters) % weekQuarters)
    if (away > -4 && away <= 0) within += usual
    else around += usual
  }
  return within / 4 - around / 8
}

function scoreOff({ rows, at }: SeriesInHand, { policy, expected }: SampleInHand, off: number, measurement: number): number {
  const days = rows[at + field.days]!
  const channel = channelNumber.missedEvent
  if (days < firstDayOf(channel)) return 0
  const calibration = at + calibrationOf(channel)
  const threshold = Math.max(leastMeasurement, rows[calibration + calibrationFields.threshold]!)
  measure(rows, calibration, Math.min(measurement, largestLearned * threshold))
  const isKnown = days >= firstDayOf(channel) + 2
  const counts = matters(policy, off, expected) && Math.abs(off) >= leastDeviation(policy, expected, days)
  return isKnown && counts ? measurement / threshold : 0
}

/** The next hours hold much of the same event, or of its end. */
function tellOnce({ rows, at }: SeriesInHand, { timestampMs }: SampleInHand, score: number): number {
  if (score < 1) return score
  if (timestampMs - rows[at + eventToldMs]! < sameEventMs) return 0
  rows[at + eventToldMs] = timestampMs
  return score
}

/** Per quarter of an hour. */
const olderWeight = 0.15
/** In what is usual at the hour, as the next two. */
const largestOlder = 4
const leastEvent = 4
const leastMeasurement = 12
/** Share of the event that must be missing; what goes much further is something else. */
const leastMissing = 0.6
const mostMissing = 2
/** A measurement counts for at most this many thresholds when it is learned. */
const largestLearned = 2
const sameEventMs = 3 * 3_600_000
