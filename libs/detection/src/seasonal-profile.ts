/**
 * What a series usually is at this hour: a value per quarter of an hour of the day, corrected per hour of the week.
 *
 * Learned by the error of the prediction, so that what the day explains is not learned again by the week. Hours of the week that
 * have not been seen yet go by the day alone, and say so: the first weekend is not like a working day.
 *
 * Blind to seasons that are neither daily nor weekly, and for the first day. A slot per series; nothing is allocated.
 */
import { memoryOf } from './memory.ts'

export interface ProfileStates {
  /** NaN where nothing has been seen. */
  readonly day: Float32Array
  readonly week: Float32Array
  /** Mean change from sample to sample, per hour of the day. */
  readonly changes: Float32Array
  /** Mean size of what is left over of an hour, per hour of the day. */
  readonly leftOver: Float32Array
}

export function createProfileStates(capacity: number): ProfileStates {
  return {
    day: new Float32Array(capacity * dayBins).fill(Number.NaN),
    week: new Float32Array(capacity * weekHours).fill(Number.NaN),
    changes: new Float32Array(capacity * dayHours).fill(Number.NaN),
    leftOver: new Float32Array(capacity * dayHours).fill(Number.NaN),
  }
}

/** Quarter of an hour of the local week, 0 (Monday 00:00) to 671, with its fraction. */
export type WeekQuarter = number

/** Result of `profileAt`. Shared: read it before the next call. */
export const found = { value: 0, isKnown: false }

/** What is usual at this time, in `found`: between the middles of neighbouring quarters a straight line. */
export function profileAt(states: ProfileStates, slot: number, quarter: WeekQuarter): void {
  const position = quarter < 0.5 ? quarter - 0.5 + weekQuarters : quarter - 0.5
  const lower = Math.floor(position)
  const upper = lower + 1 === weekQuarters ? 0 : lower + 1
  const below = binAt(states, slot, lower)
  const above = binAt(states, slot, upper)
  const share = position - lower
  const value = Number.isNaN(above) ? below : Number.isNaN(below) ? above : below + share * (above - below)
  found.isKnown = !Number.isNaN(value)
  found.value = found.isKnown ? value : 0
}

/** How far a value is from what is usual at the hour of the day that fits it best; infinite when none is known. */
export function distanceFromDay({ day }: ProfileStates, slot: number, value: number): number {
  let nearest = Number.POSITIVE_INFINITY
  for (let bin = slot * dayBins; bin < (slot + 1) * dayBins; bin++) {
    const distance = Math.abs(value - day[bin]!)
    if (distance < nearest) nearest = distance
  }
  return nearest
}

/** Learns the mean of a quarter of an hour; `days` is how many have been seen. */
export function learnQuarter({ day, week }: ProfileStates, slot: number, quarter: number, mean: number, days: number): void {
  const dayAt = slot * dayBins + (quarter % dayBins)
  const weekAt = slot * weekHours + (quarter >> 2)
  if (Number.isNaN(day[dayAt]!)) {
    day[dayAt] = mean
    if (Number.isNaN(week[weekAt]!)) week[weekAt] = 0
    return
  }
  const isNew = Number.isNaN(week[weekAt]!)
  const known = isNew ? 0 : week[weekAt]!
  const error = mean - day[dayAt]! - known
  day[dayAt]! += Math.max(dayWeight, 1 / (days + 1)) * error
  week[weekAt] = known + (isNew ? firstWeekWeight : weekWeight) * error
}

export interface Change {
  size: number
  /** Taken for usual at an hour that has not been seen. */
  usual: number
  elapsedMs: number
}

/** Learns the change from the sample before and returns what was usual at this hour until now. */
export function observeChange({ changes }: ProfileStates, slot: number, quarter: WeekQuarter, change: Change): number {
  const at = slot * dayHours + ((quarter >> 2) % dayHours)
  const usual = Number.isNaN(changes[at]!) ? change.usual : changes[at]!
  changes[at] = usual + (change.elapsedMs / (changeMemoryMs + change.elapsedMs)) * (change.size - usual)
  return usual
}

/** What is usual in a whole quarter of an hour; NaN when it is not known. */
export function usualOfQuarter(states: ProfileStates, slot: number, quarter: number): number {
  return binAt(states, slot, quarter)
}

/**
 * Learns the size of what was left over of the hour that ends with a quarter, and returns what was usual at this hour of the day until
 * now, at least a share of what is usual at all hours. NaN when this hour has not been seen.
 */
export function observeLeftOver({ leftOver }: ProfileStates, slot: number, quarter: number, size: number): number {
  const at = slot * dayHours + ((quarter >> 2) % dayHours)
  if (Number.isNaN(leftOver[at]!)) {
    leftOver[at] = size
    return Number.NaN
  }
  const usual = Math.max(leftOver[at]!, leastLeftOver * meanOfKnown(leftOver, slot * dayHours, dayHours))
  leftOver[at]! += leftOverWeight * (Math.min(size, largestLeftOver * usual) - leftOver[at]!)
  return usual
}

function meanOfKnown(values: Float32Array, from: number, count: number): number {
  let sum = 0
  let known = 0
  for (let i = from; i < from + count; i++) {
    if (Number.isNaN(values[i]!)) continue
    sum += values[i]!
    known++
  }
  return sum / known
}

export function forgetHours({ leftOver }: ProfileStates, slot: number): void {
  leftOver.fill(Number.NaN, slot * dayHours, (slot + 1) * dayHours)
}

/** The memory of a slot, part by part, as it is. */
export function* profileViews(states: ProfileStates, slot: number): Generator<Uint8Array> {
  yield* profileViewsVersion2(states, slot)
  yield memoryOf(states.leftOver.subarray(slot * dayHours, (slot + 1) * dayHours))
}

/** The same without what is left over. */
export function* profileViewsVersion2({ day, week, changes }: ProfileStates, slot: number): Generator<Uint8Array> {
  yield memoryOf(day.subarray(slot * dayBins, (slot + 1) * dayBins))
  yield memoryOf(week.subarray(slot * weekHours, (slot + 1) * weekHours))
  yield memoryOf(changes.subarray(slot * dayHours, (slot + 1) * dayHours))
}

const dayBins = 96
const weekHours = 168
const dayHours = 24
/** Of an hour of the day: about three days. */
const changeMemoryMs = 3 * 3_600_000
export const weekQuarters = 672
const dayWeight = 0.12
/** Four quarters share an hour's bin. */
const weekWeight = 0.1
const firstWeekWeight = 0.5
/** Four hours end with a quarter of an hour of the day: about a week. */
const leftOverWeight = 0.04
const largestLeftOver = 3
/** Of what is usual at all hours: a quiet hour is no reason to be that sensitive. */
const leastLeftOver = 0.3

function binAt({ day, week }: ProfileStates, slot: number, quarter: number): number {
  const correction = week[slot * weekHours + (quarter >> 2)]!
  return day[slot * dayBins + (quarter % dayBins)]! + (Number.isNaN(correction) ? 0 : correction)
}
