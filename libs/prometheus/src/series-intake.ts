/**
 * What is done with the labels of every series, whichever way it comes in, before it is one of ours: relabelled, held to the limits,
 * identified. Done once per series, as long as the source remembers it.
 */
import type { LabelSet } from '@lapwing/contracts/series'
import type { SeriesIdentity } from '@lapwing/contracts/series-table'
import { type LabelLimits, labelOverLimit } from './label-limits.ts'
import type { Relabel } from './relabel.ts'
import { identify } from './series-samples.ts'

export interface IntakeRules {
  /** Names of the labels that make an entity. */
  readonly entityBy: readonly string[]
  readonly relabel: Relabel
  /** Apply to what relabelling leaves, as in Prometheus. */
  readonly limits: LabelLimits
}

/** Why a series is left out; `invalid`: relabelling took its metric name. */
export type LeftOutReason = 'relabelled' | 'label_limit' | 'invalid'

export type Intake =
  | { readonly identity: SeriesIdentity; readonly reason?: undefined }
  | { readonly identity?: undefined; readonly reason: LeftOutReason; readonly problem: string }

export function takeIn(labels: LabelSet, { entityBy, relabel, limits }: IntakeRules): Intake {
  const relabelled = relabel(labels)
  if (!relabelled) return { reason: 'relabelled', problem: 'dropped by metric_relabel_configs' }
  if (!relabelled.some(({ name }) => name === '__name__'))
    return { reason: 'invalid', problem: 'a series without a metric name, once relabelled' }
  const problem = labelOverLimit(relabelled, limits)
  return problem ? { reason: 'label_limit', problem } : { identity: identify(relabelled, entityBy) }
}
