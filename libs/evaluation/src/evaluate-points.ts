/** How good scores are sample by sample, where it is known when something was wrong. */
import type { TrueEvent } from './event-accuracy.ts'
import { type ConfusionMatrix, confusionMatrix } from './point-accuracy.ts'
import { averagePrecision, volumeUnderSurface } from './range-auc.ts'

/** Columns of equal length, of one series; times rise. */
export interface ScoredPoints {
  readonly timestampsMs: Float64Array
  readonly scores: Float64Array
  /** 1 where the sample lay inside of an episode. */
  readonly inEpisode: Uint8Array
}

export interface PointEvaluation {
  /** Anomalous is what lay inside of an episode. */
  readonly matrix: ConfusionMatrix
  /** Area under the precision-recall curve of the scores; null unless both kinds of samples occur. */
  readonly averagePrecision: number | null
  /** VUS-PR of the scores, at a buffer of `vusBufferRows`; null likewise. */
  readonly volumeUnderSurface: number | null
}

/** Rows around an event that count in part. */
export const vusBufferRows = 100

/** @param events of this series */
export function evaluatePoints({ timestampsMs, scores, inEpisode }: ScoredPoints, events: readonly TrueEvent[]): PointEvaluation {
  const actual = Uint8Array.from(timestampsMs, (atMs) =>
    Number(events.some(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs)),
  )
  const positives = actual.reduce((sum, one) => sum + one, 0)
  const isMixed = positives > 0 && positives < actual.length
  return {
    matrix: confusionMatrix(inEpisode, actual),
    averagePrecision: isMixed ? averagePrecision(scores, actual) : null,
    volumeUnderSurface: isMixed ? volumeUnderSurface(scores, actual, vusBufferRows) : null,
  }
}
