/**
 * Tells a rise of the score that lasts from an incident, which is an anomaly and no drift.
 *
 * A detector of change is right to notice half an hour of high scores. Whether there is something to learn anew shows in the scores that follow: while their
 * mean keeps at least half of the rise, it lasts. What is asked for waits for hours of samples anyway, so half an hour of scores costs nothing.
 */
import type { DriftChange } from '@lapwing/detection/drift-detector'

/** That follow a rise before it is judged: longer than most incidents. */
const judgedScores = 30
const keptShare = 0.5

export interface Rise {
  readonly change: DriftChange
}

export interface AwaitedRise<Drift extends Rise> {
  readonly drift: Drift
  readonly scores: number
  readonly mean: number
}

export type RiseOutcome = 'waits' | 'lasts' | 'brief'

export function awaitRise<Drift extends Rise>(drift: Drift): AwaitedRise<Drift> {
  return { drift, scores: 0, mean: 0 }
}

/** The rise with one more score. */
export function observeRise<Drift extends Rise>(
  { drift, scores, mean }: AwaitedRise<Drift>,
  score: number,
): { rise: AwaitedRise<Drift>; outcome: RiseOutcome } {
  const rise = { drift, scores: scores + 1, mean: mean + (score - mean) / (scores + 1) }
  if (rise.scores < judgedScores) return { rise, outcome: 'waits' }
  const { before, after } = drift.change
  return { rise, outcome: rise.mean >= before + keptShare * (after - before) ? 'lasts' : 'brief' }
}
