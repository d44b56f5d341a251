/**
 * Silences of Alertmanager as verdicts: whoever silences an alert that fires says that it is known until then.
 *
 * The silence itself keeps receivers quiet, as a mute (`mute-source.ts`); the verdict is what the detector keeps to and the reporter
 * counts. What a person said in another way stands. A silence that is taken back, or shortened, takes its verdicts back. One that has
 * `lapwing` as its author was made by a program of ours and says nothing.
 *
 * Desired state against what is on the log: asked again it changes nothing, so it may be asked as often as silences are.
 */
import { matchedLabels } from '@lapwing/alerting/hold'
import { type Mute, muteFor } from '@lapwing/alerting/mute'
import { type SaidVerdict, silenceOrigin } from '@lapwing/alerting/verdict'
import type { Alert } from '@lapwing/contracts/records'
import type { GivenVerdict } from '@lapwing/contracts/verdict-record'

/** An alert that fires and that people are told of, with what is said of it. */
export interface FiringAlert {
  readonly alert: Alert
  readonly said: SaidVerdict | undefined
}

/** A verdict that stands for a silence. */
export interface StandingVerdict {
  readonly episodeId: string
  readonly partition: number
  readonly said: SaidVerdict
}

export interface SilenceVerdict {
  readonly episodeId: string
  readonly partition: number
  readonly given: GivenVerdict
}

const ownAuthor = 'lapwing'

/** What is to be written so that each alert under a silence is known, and no other is. */
export function silenceVerdicts(
  silences: readonly Mute[],
  firing: Iterable<FiringAlert>,
  standing: Iterable<StandingVerdict>,
  { partitionOf, nowMs }: { partitionOf(alert: Alert): number; nowMs: number },
): SilenceVerdict[] {
  const ofPeople = silences.filter(({ author }) => author !== ownAuthor)
  const begun = ofPeople.length === 0 ? [] : [...firing].flatMap((each) => verdictOn(each, ofPeople, partitionOf, nowMs))
  const again = new Set(begun.map(({ episodeId }) => episodeId))
  const over = [...standing].filter(({ episodeId, said }) => !again.has(episodeId) && !isStill(said, ofPeople, nowMs))
  return [...begun, ...over.map(({ episodeId, partition }) => ({ episodeId, partition, given: takenBack(nowMs) }))]
}

function verdictOn(
  { alert, said }: FiringAlert,
  silences: readonly Mute[],
  partitionOf: (alert: Alert) => number,
  nowMs: number,
): SilenceVerdict[] {
  if (said && said.origin !== silenceOrigin) return []
  const mute = muteFor(silences, matchedLabels(alert), nowMs)?.mute
  if (!mute) return []
  const given = known(mute)
  const isSaid = said?.verdict === 'known' && said.comment === given.comment && said.untilMs === given.untilMs
  return isSaid ? [] : [{ episodeId: alert.id, partition: partitionOf(alert), given }]
}

/** The time is the silence's own, so that every process says the same. */
function known({ id, author, comment, startsAtMs, endsAtMs }: Mute): GivenVerdict {
  return {
    ...{ verdict: 'known', author, comment: `${comment} (${id})`, origin: silenceOrigin },
    ...{ atMs: startsAtMs, untilMs: endsAtMs },
  }
}

function isStill({ comment, untilMs }: SaidVerdict, silences: readonly Mute[], nowMs: number): boolean {
  if (untilMs !== null && untilMs <= nowMs) return true
  return silences.some((mute) => mute.endsAtMs === untilMs && known(mute).comment === comment)
}

function takenBack(atMs: number): GivenVerdict {
  return { verdict: 'undone', author: '', comment: 'the silence was taken back', origin: silenceOrigin, atMs, untilMs: null }
}
