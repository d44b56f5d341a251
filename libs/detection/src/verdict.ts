/** What the detector says of a sample, with the reasons for it. */
import type { EpisodeTransition } from './episode.ts'

/** Names of the contributions to a score, in the order of `Verdict.contributions`. */
export const contributionNames = [
  'spike',
  'level',
  'season',
  'trend',
  'volatility',
  'flatline',
  'silence',
  'resets',
  'isolation',
  'novelty',
] as const
export type ContributionName = (typeof contributionNames)[number]
export const contributionNumber = Object.fromEntries(contributionNames.map((name, i) => [name, i])) as Record<
  ContributionName,
  number
>

/** What is said of one sample. One object is reused for all samples; copy what must last. */
export interface Verdict {
  /** At least 0; above 1 anomalous. */
  score: number
  /** In the unit of the metric, as it is scored; `toldBound` says what is told of it. */
  expected: number
  lower: number
  upper: number
  /** A value was below zero. */
  wasNegative: boolean
  /** 0 to 1. */
  confidence: number
  /** Shares of the score by `contributionNames`; they sum to 1, or are all 0 with a score of 0. */
  readonly contributions: Float64Array
  state: DetectorState
  /** The number that belongs to the state: share of the warm-up, share of gaps, or milliseconds since the epoch. */
  stateDetail: number
  transition: EpisodeTransition
}

export type DetectorState = 'warming' | 'ok' | 'anomalous' | 'sparse' | 'silent'

export const largestScore = 100

export function createVerdict(): Verdict {
  return {
    score: 0,
    expected: 0,
    lower: 0,
    upper: 0,
    wasNegative: false,
    confidence: 0,
    contributions: new Float64Array(contributionNames.length),
    state: 'warming',
    stateDetail: 0,
    transition: 'none',
  }
}

export function clear(verdict: Verdict): void {
  verdict.score = 0
  verdict.confidence = 0
  verdict.contributions.fill(0)
}

/** A number of the expected band as it is told: nothing is expected below zero of a series that has never been there. */
export function toldBound(bound: number, { wasNegative }: Pick<Verdict, 'wasNegative'>): number {
  return wasNegative ? bound : Math.max(0, bound)
}

/** Contributions, so far in units of the score, to shares of 1; squared, so that the ranking is clear. */
export function toShares({ contributions, score }: Verdict): void {
  let sum = 0
  for (let i = 0; i < contributions.length; i++) {
    contributions[i] = Math.min(contributions[i]!, largestScore) ** 2
    sum += contributions[i]!
  }
  for (let i = 0; i < contributions.length; i++) contributions[i] = score > 0 && sum > 0 ? contributions[i]! / sum : 0
}
