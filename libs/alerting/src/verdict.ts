/**
 * What a person said of an alert, and what receivers believe because of it.
 *
 * `false_alarm`, `expected` and `known` quiet an alert that fires: to receivers it is over, from the verdict on. Nothing of the truth is
 * changed, so taking the verdict back, or the end of its time, brings the alert back. What grows worse after the verdict is not what was
 * judged, and is told: the detector lets an episode escalate only when it has outgrown the one that was judged.
 *
 * `confirmed` and `new_normal` quiet nothing: the first says that it is real, the second ends the episode in the detector. What stands
 * for a silence of Alertmanager quiets nothing here either: the silence itself is a mute.
 */
import type { Feedback } from '@lapwing/contracts/records'
import type { TrackedAlert } from './tracked-alert.ts'

/** The newest verdict on an episode. */
export type SaidVerdict = Pick<Feedback, 'verdict' | 'author' | 'comment' | 'origin' | 'atMs' | 'untilMs'>

/** Origin of a verdict that stands for a silence of Alertmanager. */
export const silenceOrigin = 'alertmanager'

const quieting: ReadonlySet<string> = new Set(['false_alarm', 'expected', 'known'])

/** Whether receivers are to believe that it is over although it fires. */
export function isQuiet({ alert, records }: TrackedAlert, said: SaidVerdict | undefined, nowMs: number): said is SaidVerdict {
  if (!said || alert.state !== 'firing' || !quiets(said, nowMs)) return false
  return !records.some(({ reason, place }) => reason === 'escalated' && place.writtenAtMs > said.atMs)
}

/** Whether it quiets anything now. */
export function quiets({ verdict, origin, untilMs }: SaidVerdict, nowMs: number): boolean {
  return quieting.has(verdict) && origin !== silenceOrigin && (untilMs === null || untilMs > nowMs)
}

/** The alert as receivers are to believe it. */
export function asJudged(tracked: TrackedAlert, said: SaidVerdict | undefined, nowMs: number): TrackedAlert {
  if (!isQuiet(tracked, said, nowMs)) return tracked
  const { alert, records } = tracked
  return { alert: { ...alert, state: 'resolved', endedAtMs: Math.max(alert.startedAtMs, said.atMs) }, records }
}

/** `false alarm, says ann: nightly backup`. */
export function verdictText({ verdict, author, comment, untilMs }: SaidVerdict): string {
  const until = untilMs === null ? '' : ` until ${new Date(untilMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const why = comment === '' ? '' : `: ${comment}`
  return `${verdict.replace('_', ' ')}${until}, says ${author || 'somebody'}${why}`
}
