/**
 * New series that start from what their cohort has learned: the same metric of other pods or instances of one thing.
 *
 * The prior is the state of one series, the one that stands for the others (`standsFor`). A series that starts from it is watched for
 * `trialSamples` and says nothing: fits it, it goes on from there, trusted little by little; does it not, it begins anew as any other.
 *
 * Blind to a cohort whose members differ in shape and agree in level: what stands for them is one of them.
 */

/** What a series expected at its last sample. */
export interface Band {
  readonly expected: number
  readonly lower: number
  readonly upper: number
}

/** How far a series is that started from a prior. */
export interface CohortStart {
  readonly samples: number
  readonly anomalousSamples: number
}

export const justStarted: CohortStart = { samples: 0, anomalousSamples: 0 }

/** Samples after which a series that fits says what it finds. */
export const trialSamples = 30
/** Samples after which it is a series like any other. */
export const ownSamples = 200
/** Fewer members have no middle. */
export const leastMembers = 3

/** `trial`: says nothing yet. `misfit`: must begin anew. `trusted`: with this share of the confidence. */
export type StartOutcome =
  | { readonly kind: 'trial'; readonly share: number }
  | { readonly kind: 'misfit' }
  | { readonly kind: 'trusted'; readonly confidence: number }

/** Takes a sample in. */
export function observeStart(
  before: CohortStart,
  { isAnomalous, isEpisodeOpen }: { readonly isAnomalous: boolean; readonly isEpisodeOpen: boolean },
): { start: CohortStart; outcome: StartOutcome } {
  const start = { samples: before.samples + 1, anomalousSamples: before.anomalousSamples + (isAnomalous ? 1 : 0) }
  if (start.samples < trialSamples) return { start, outcome: { kind: 'trial', share: start.samples / trialSamples } }
  const fits = start.samples > trialSamples || (start.anomalousSamples <= fewAnomalous && !isEpisodeOpen)
  if (!fits) return { start, outcome: { kind: 'misfit' } }
  return { start, outcome: { kind: 'trusted', confidence: Math.min(1, start.samples / ownSamples) } }
}

/**
 * The place of the member whose band the others share: its level is the median one, and four in five of the levels lie within its band.
 * -1 when there is none: too few, or too different for one to stand for all.
 */
export function standsFor(members: readonly Band[]): number {
  if (members.length < leastMembers) return -1
  const order = members.map((_, place) => place).sort((a, b) => members[a]!.expected - members[b]!.expected || a - b)
  const middle = order[order.length >> 1]!
  const { lower, upper } = members[middle]!
  const within = members.filter(({ expected }) => expected >= lower && expected <= upper).length
  return within >= agreeingShare * members.length ? middle : -1
}

const fewAnomalous = 3
const agreeingShare = 0.8
