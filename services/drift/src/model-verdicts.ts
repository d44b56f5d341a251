/**
 * Verdicts of people on what the model of an entity called anomalous, and whether they say that it calls too much so.
 *
 * A false alarm is an error of the model, and so is a level that a person calls the new normal; a confirmed episode is none. `expected` and `known` say
 * that something was there and that nobody needs to be told: they are no outcome, and take an earlier verdict on their episode back. What is taken back counts
 * as if it had never been said: the verdicts are kept, the newest of each episode, and DDM goes over all of them each time.
 *
 * People judge a few episodes a week, and a model that was wrong from its first day has no better rate to rise from. So DDM begins as after
 * `assumedVerdicts`, a fifth of them false alarms; without them it needs 31 verdicts, and never tells of a model whose alarms are all false. Seven false alarms
 * in a row are drift, or eight of ten; a model of whose alarms one in ten is false is not told of. Measured in docs/adr/0037.
 *
 * Blind to what nobody judges, and to verdicts on single series: those are judgements on the online detector. Pure.
 */
import type { Feedback } from '@lapwing/contracts/records'
import { createDdmStateAfter, ddmBound, ddmField, ddmSum, observeDdm } from '@lapwing/detection/ddm'
import type { DriftLevel } from '@lapwing/detection/drift-level'

/** Of the version of a model that scores an entity now; plain data, replaced and never changed in place. */
export interface ModelVerdicts {
  /** The series that the scores of the entity make: 32 hexadecimal digits. Verdicts name it. */
  readonly seriesKey: string
  /** First score under this version; an episode that began before it was another one's. */
  readonly sinceMs: number
  /** The newest verdict on each episode, in the order in which they came; at most `mostVerdicts`. */
  readonly judged: readonly JudgedEpisode[]
}

interface JudgedEpisode {
  readonly anomalyId: string
  readonly episodeId: string
  readonly isError: boolean
  /** A request was made for it: it counts no more. */
  readonly isSpent: boolean
}

/** The verdicts say that the model has got worse. */
export interface VerdictDrift {
  readonly errors: number
  /** Since the share of errors was lowest. */
  readonly verdicts: number
  /** Share of errors, the assumed ones among them, and a deviation; and what that was compared with. */
  readonly statistic: number
  readonly threshold: number
}

/** What became of a verdict. */
export const verdictOutcomes = ['counted', 'neutral', 'taken_back', 'earlier_model', 'no_model'] as const
export type VerdictOutcome = (typeof verdictOutcomes)[number]

export function beginVerdicts(seriesKey: string, sinceMs: number): ModelVerdicts {
  return { seriesKey, sinceMs, judged: [] }
}

export function withVerdict(
  verdicts: ModelVerdicts,
  { verdict, anomalyId, episodeId, startedAtMs }: Feedback,
): { verdicts: ModelVerdicts; outcome: VerdictOutcome } {
  if (startedAtMs < verdicts.sinceMs) return { verdicts, outcome: 'earlier_model' }
  const earlier = verdicts.judged.find((one) => one.episodeId === episodeId)
  const others = verdicts.judged.filter((one) => one !== earlier)
  const isError = outcomeOf[verdict]
  if (isError === undefined) {
    return { verdicts: { ...verdicts, judged: others }, outcome: verdict === 'undone' ? 'taken_back' : 'neutral' }
  }
  const isSpent = earlier?.isSpent ?? false
  const judged = [...others, { anomalyId, episodeId, isError, isSpent }].slice(-mostVerdicts)
  return { verdicts: { ...verdicts, judged }, outcome: 'counted' }
}

/** undefined when none of them is on this anomaly. */
export function withoutVerdict(verdicts: ModelVerdicts, anomalyId: string): ModelVerdicts | undefined {
  const judged = verdicts.judged.filter((one) => one.anomalyId !== anomalyId)
  return judged.length < verdicts.judged.length ? { ...verdicts, judged } : undefined
}

/** What was asked for is asked for once: the next request takes new verdicts. */
export function spend(verdicts: ModelVerdicts): ModelVerdicts {
  return { ...verdicts, judged: verdicts.judged.map((one) => ({ ...one, isSpent: true })) }
}

/** As of the newest verdict; undefined while they are no worse than chance allows. */
export function driftOf({ judged }: ModelVerdicts): VerdictDrift | undefined {
  const outcomes = judged.filter(({ isSpent }) => !isSpent).map(({ isError }) => isError)
  const state = createDdmStateAfter(assumedVerdicts, assumedErrors)
  let level: DriftLevel = 'stable'
  let from = 0
  for (const [i, isError] of outcomes.entries()) {
    const lowest = state[ddmField.lowestSum]!
    // Verdicts that came after a drift may speak against it.
    state[ddmField.drifted] = 0
    level = observeDdm(state, isError)
    if (state[ddmField.lowestSum]! < lowest) from = i + 1
  }
  if (level !== 'drift') return undefined
  const newest = outcomes.slice(from)
  const errors = newest.filter((isError) => isError).length
  return { errors, verdicts: newest.length, statistic: ddmSum(state), threshold: ddmBound(state) }
}

const mostVerdicts = 64
const assumedVerdicts = 30
const assumedErrors = 6

/** Whether a verdict says that the model was wrong; missing where it says neither. */
const outcomeOf: Partial<Record<Feedback['verdict'], boolean>> = { false_alarm: true, new_normal: true, confirmed: false }
