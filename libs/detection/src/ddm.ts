/**
 * DDM: tells when the error rate of a model rises above the lowest it has had.
 *
 * The rate p of n outcomes has the standard deviation s of a Bernoulli variable. Where p + s was lowest, both are kept; a warning
 * is given from two such deviations above that rate on, a drift from three on, and then all starts anew.
 *
 * Blind to a falling rate, and slow after a long quiet stretch. Where the first 30 outcomes hold no error, the lowest deviation is
 * 0 and the first error is drift. The state is six numbers and its own snapshot: a copy continues bit for bit.
 *
 * Source: Gama, Medas, Castillo, Rodrigues, "Learning with Drift Detection", SBIA 2004; thresholds and warm-up as in River.
 */
import type { DriftLevel } from './drift-level.ts'

export const ddmField = { outcomes: 0, rate: 1, lowestRate: 2, lowestDeviation: 3, lowestSum: 4, drifted: 5 } as const

export function createDdmState(): Float64Array {
  return Float64Array.of(0, 0, 0, 0, Number.POSITIVE_INFINITY, 0)
}

/**
 * As after so many outcomes with so many errors among them, evenly: for streams so short that they would end within the warm-up.
 * From 30 outcomes on the next one may be drift.
 */
export function createDdmStateAfter(outcomes: number, errors: number): Float64Array {
  const rate = errors / outcomes
  const deviation = deviationOf(rate, outcomes)
  return Float64Array.of(outcomes, rate, rate, deviation, rate + deviation, 0)
}

/** Takes an outcome in. */
export function observeDdm(state: Float64Array, isError: boolean): DriftLevel {
  if (state[ddmField.drifted] === 1) state.set(createDdmState())
  const outcomes = ++state[ddmField.outcomes]!
  state[ddmField.rate]! += (1 / outcomes) * (Number(isError) - state[ddmField.rate]!)
  const rate = state[ddmField.rate]!
  const deviation = deviationOf(rate, outcomes)
  if (outcomes <= warmUpOutcomes) return 'stable'
  if (rate + deviation <= state[ddmField.lowestSum]!) {
    state[ddmField.lowestRate] = rate
    state[ddmField.lowestDeviation] = deviation
    state[ddmField.lowestSum] = rate + deviation
  }
  if (rate + deviation > ddmBound(state)) {
    state[ddmField.drifted] = 1
    return 'drift'
  }
  const warning = state[ddmField.lowestRate]! + warningDeviations * state[ddmField.lowestDeviation]!
  return rate + deviation > warning ? 'warning' : 'stable'
}

/** Error rate and its deviation. */
export function ddmSum(state: Float64Array): number {
  return state[ddmField.rate]! + deviationOf(state[ddmField.rate]!, state[ddmField.outcomes]!)
}

/** Above this the sum of rate and deviation is drift. */
export function ddmBound(state: Float64Array): number {
  return state[ddmField.lowestRate]! + driftDeviations * state[ddmField.lowestDeviation]!
}

function deviationOf(rate: number, outcomes: number): number {
  return Math.sqrt((rate * (1 - rate)) / outcomes)
}

const warmUpOutcomes = 30
const warningDeviations = 2
export const driftDeviations = 3
