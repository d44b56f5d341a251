/**
 * Page-Hinkley: a cumulative sum that tells when the mean of a stream rises or falls.
 *
 * Deviations from the running mean are summed, each less (or plus) a tolerance, with slow forgetting. How far the sum has risen
 * above its lowest point, or fallen below its highest, is the statistic; above 50 it is drift, and all starts anew.
 *
 * The threshold is in the unit of the values, so it suits streams of about unit size: scores, not raw metrics. A change by d is
 * told about 50 / d values after it. The state is eleven numbers and its own snapshot: a copy continues bit for bit.
 *
 * Source: Page, "Continuous Inspection Schemes", Biometrika 1954; tolerance, forgetting and threshold as in River, both sides.
 */
import type { DriftLevel } from './drift-level.ts'

export const pageHinkleyField = {
  values: 0,
  mean: 1,
  rising: 2,
  falling: 3,
  lowestRising: 4,
  highestFalling: 5,
  drifted: 6,
  /** Number and mean of the values up to the lowest point of the rising sum, and to the highest of the falling one. */
  valuesAtLowest: 7,
  meanAtLowest: 8,
  valuesAtHighest: 9,
  meanAtHighest: 10,
} as const

export function createPageHinkleyState(): Float64Array {
  const state = new Float64Array(11)
  state[pageHinkleyField.lowestRising] = Number.POSITIVE_INFINITY
  state[pageHinkleyField.highestFalling] = -1
  return state
}

/** Takes a finite value in; there are no warnings. */
export function observePageHinkley(state: Float64Array, value: number): DriftLevel {
  const field = pageHinkleyField
  if (state[field.drifted] === 1) state.set(createPageHinkleyState())
  const values = ++state[field.values]!
  state[field.mean]! += (1 / values) * (value - state[field.mean]!)
  const mean = state[field.mean]!
  state[field.rising] = forgetting * state[field.rising]! + (value - mean) - tolerance
  state[field.falling] = forgetting * state[field.falling]! + (value - mean) + tolerance
  if (state[field.rising]! < state[field.lowestRising]!) {
    state[field.lowestRising] = state[field.rising]!
    state[field.valuesAtLowest] = values
    state[field.meanAtLowest] = mean
  }
  if (state[field.falling]! > state[field.highestFalling]!) {
    state[field.highestFalling] = state[field.falling]!
    state[field.valuesAtHighest] = values
    state[field.meanAtHighest] = mean
  }
  if (values < warmUpValues) return 'stable'
  const risen = state[field.rising]! - state[field.lowestRising]!
  const fallen = state[field.highestFalling]! - state[field.falling]!
  if (risen <= pageHinkleyThreshold && fallen <= pageHinkleyThreshold) return 'stable'
  state[field.drifted] = 1
  return 'drift'
}

/** Means before and after the turn of the sum that is further from it now. */
export function pageHinkleyChange(state: Float64Array): { readonly before: number; readonly after: number } {
  const field = pageHinkleyField
  const risen = state[field.rising]! - state[field.lowestRising]!
  const fallen = state[field.highestFalling]! - state[field.falling]!
  const [valuesBefore, before] =
    risen >= fallen
      ? [state[field.valuesAtLowest]!, state[field.meanAtLowest]!]
      : [state[field.valuesAtHighest]!, state[field.meanAtHighest]!]
  const values = state[field.values]!
  const after = values > valuesBefore ? (state[field.mean]! * values - before * valuesBefore) / (values - valuesBefore) : before
  return { before, after }
}

const warmUpValues = 30
const tolerance = 0.005
const forgetting = 1 - 0.0001
export const pageHinkleyThreshold = 50
