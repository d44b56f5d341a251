/** A sample as it comes to the detector of its series, and on its way through it. */
import { type DetectionPolicy, defaultPolicy } from './detection-policy.ts'

export interface SampleInput {
  timestampMs: number
  /** Finite; ignored when stale. */
  value: number
  imputed: boolean
  stale: boolean
  /** Nominal distance of samples, 0 when unknown. */
  stepMs: number
  /** History is learned from and never opens an episode. */
  live: boolean
  /** The value is the reading of a counter; its rate is what is watched. */
  isCounter?: boolean
  policy?: DetectionPolicy
}

/** With what has been worked out of it so far. One object is reused for all samples. */
export interface SampleInHand {
  /** In the unit of the metric; of a counter its rate per second. */
  value: number
  timestampMs: number
  /** Since the sample before. */
  elapsedMs: number
  /** Quarter of an hour of the local week, with its fraction. */
  quarter: number
  policy: DetectionPolicy
  /** In the unit of the metric. */
  expected: number
  /** What the channels say, above 1 news. */
  confirmed: number
  /** An episode is open. */
  isAnomalous: boolean
}

export function createSampleInHand(): SampleInHand {
  return {
    value: 0,
    timestampMs: 0,
    elapsedMs: 0,
    quarter: 0,
    policy: defaultPolicy,
    expected: 0,
    confirmed: 0,
    isAnomalous: false,
  }
}

/** Larger values are taken for this one, so that no sum or square overflows. */
const largestValue = 1e150

export function bounded(value: number): number {
  return Math.min(largestValue, Math.max(-largestValue, value))
}
