/** Why a retraining is asked for, in words and numbers. Pure. */
import type { Control } from '@lapwing/contracts/records'
import { type LabelSet, seriesText } from '@lapwing/contracts/series'
import type { DriftDetectorOptions } from '@lapwing/detection/drift-detector'
import type { EntityDriftOutcome } from './entity-drift.ts'
import type { VerdictDrift } from './model-verdicts.ts'

export type RequestCause = Pick<Control, 'reason' | 'detector' | 'statistic' | 'threshold' | 'seriesKey' | 'labels'>

/** Scores that moved. */
export function driftRequest(
  { strongest, others, standsSinceMs }: Extract<EntityDriftOutcome, { kind: 'request' }>,
  { detector }: Pick<DriftDetectorOptions, 'detector'>,
): RequestCause {
  const { seriesKey, labels, change } = strongest
  const { watched, before, after, threshold } = change
  const also = others === 0 ? '' : `, and ${others} more series of its entity moved`
  const since =
    standsSinceMs === undefined ? '' : `, and stays there with no new model since ${new Date(standsSinceMs).toISOString()}`
  const reason = `${watched} of ${seriesText(labels)} went from ${before.toFixed(2)} to ${after.toFixed(2)}${also}${since}`
  return { reason, detector, statistic: Math.abs(after - before), threshold, seriesKey, labels }
}

/** Verdicts of people. */
export function verdictRequest(
  { errors, verdicts, statistic, threshold }: VerdictDrift,
  scores: { readonly seriesKey: string; readonly labels: LabelSet },
): RequestCause {
  const reason = `${errors} of the last ${verdicts} verdicts on ${seriesText(scores.labels)} were false alarm or new normal`
  return { reason, detector: 'ddm', statistic, threshold, ...scores }
}
