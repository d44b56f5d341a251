/**
 * EDDM: tells when the errors of a model come closer together than they used to; meant for changes too gradual for DDM.
 *
 * Mean and standard deviation of the distance between errors give mean + 2 deviations; its largest value is kept. A warning is
 * given below 95 % of that, a drift below 90 %, from the 31st error on; then all starts anew.
 *
 * Alarms often on streams without change, because the largest value is a lucky one: a false alarm every hundred errors is usual.
 * Blind to errors that become rarer. The state is eight numbers and its own snapshot: a copy continues bit for bit.
 *
 * Source: Baena-García et al., "Early Drift Detection Method", IWKDDS 2006; thresholds and warm-up as in River.
 */
import type { DriftLevel } from './drift-level.ts'

export const eddmField = {
  outcomes: 0,
  lastError: 1,
  errors: 2,
  meanDistance: 3,
  squaredDistances: 4,
  largest: 5,
  level: 6,
  meanAtLargest: 7,
} as const

export function createEddmState(): Float64Array {
  return Float64Array.of(0, 0, 0, 0, 0, -1, levels.indexOf('stable'), 0)
}

/** Takes an outcome in. Between errors the level stays what it was. */
export function observeEddm(state: Float64Array, isError: boolean): DriftLevel {
  if (levels[state[eddmField.level]!] === 'drift') state.set(createEddmState())
  state[eddmField.outcomes]!++
  if (isError) state[eddmField.level] = levels.indexOf(levelAtError(state))
  return levels[state[eddmField.level]!]!
}

const levels: readonly DriftLevel[] = ['stable', 'warning', 'drift']
const warmUp = 30
const warningShare = 0.95
export const driftShare = 0.9

function levelAtError(state: Float64Array): DriftLevel {
  const before = levels[state[eddmField.level]!]!
  const errors = ++state[eddmField.errors]!
  const distance = state[eddmField.outcomes]! - state[eddmField.lastError]!
  state[eddmField.lastError] = state[eddmField.outcomes]!
  const meanBefore = state[eddmField.meanDistance]!
  const mean = meanBefore + (1 / errors) * (distance - meanBefore)
  state[eddmField.meanDistance] = mean
  state[eddmField.squaredDistances]! += (distance - meanBefore) * (distance - mean)
  if (state[eddmField.outcomes]! <= warmUp) return before
  const deviation = errors > 1 ? Math.sqrt(state[eddmField.squaredDistances]! / (errors - 1)) : 0
  const reach = mean + 2 * deviation
  if (reach > state[eddmField.largest]!) {
    state[eddmField.largest] = reach
    state[eddmField.meanAtLargest] = mean
    return before
  }
  if (errors <= warmUp) return before
  const share = reach / state[eddmField.largest]!
  return share < driftShare ? 'drift' : share < warningShare ? 'warning' : 'stable'
}
