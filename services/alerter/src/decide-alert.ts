/**
 * The alerter's first decision, per series: is an anomaly record worth a person's attention, and if not, why not?
 *
 * Open this file first. A record that brings no news is a duplicate; an episode below the minimum severity is recorded and not
 * told; one of a flapping series is held back. Whatever is decided, the result is an alert record that carries the truth about
 * the episode, so the receivers can be brought to it later (`libs/alerting/src/reconcile.ts`); nothing is dropped in silence.
 *
 * A record that comes again gets the same alert id and the truth of today, which makes a replay harmless. A rise in severity of
 * an alert that people were told of, or that is held back for flapping, is always let through.
 *
 * Blind spot: silence. It knows a series only by its records; the one that would end an episode may never come.
 */
import { beganAnew } from '@lapwing/alerting/alert-text'
import { type Episode, learn, type Novelty, noveltyOf } from '@lapwing/alerting/deduplicate'
import { type FlappingPolicy, type FlappingState, neverChanged, observeChange } from '@lapwing/alerting/flapping'
import { compareSeverity } from '@lapwing/alerting/severity'
import { flappingReason } from '@lapwing/alerting/tracked-alert'
import type { Alert, Anomaly, Severity } from '@lapwing/contracts/records'

export interface DecisionPolicy {
  /** Least severity that people are told of. */
  readonly minimumSeverity: Severity
  readonly flapping: FlappingPolicy
}

/** What is remembered of a series between two records. */
export interface SeriesState {
  readonly episode: Episode
  /** Why its episode is not told; null when it is. */
  readonly heldBy: typeof flappingReason | 'below_severity' | null
  readonly flapping: FlappingState
}

export interface Decision {
  readonly state: SeriesState
  readonly alert: Alert
}

/** The root of the routing tree, when nobody names it; `series-step.ts` sends an alert down the tree. */
export const defaultRoute = 'default'

export function decideAlert(anomaly: Anomaly, known: SeriesState | undefined, policy: DecisionPolicy): Decision {
  const novelty = noveltyOf(anomaly, known?.episode)
  if (known && novelty === 'outdated') return { state: known, alert: alertOf(anomaly, outdated(anomaly, known), 'outdated') }
  const isNews = !known || novelty === 'news'
  const state = isNews ? afterNews(anomaly, known, policy) : { ...known, episode: learn(anomaly, known.episode) }
  return { state, alert: alertOf(anomaly, state.episode, reasonOf(anomaly, novelty, state)) }
}

function afterNews(anomaly: Anomaly, known: SeriesState | undefined, policy: DecisionPolicy): SeriesState {
  const episode = learn(anomaly, known?.episode)
  const before = known?.episode.id === episode.id ? known : undefined
  const flapping = afterChange(episode, before, known?.flapping ?? neverChanged, policy.flapping)
  return { episode, heldBy: holdOf(episode, before, flapping, policy), flapping }
}

/** Beginnings and ends are changes; a rise in severity is none. */
function afterChange(
  episode: Episode,
  before: SeriesState | undefined,
  flapping: FlappingState,
  policy: FlappingPolicy,
): FlappingState {
  if (episode.endedAtMs !== null) return observeChange(flapping, episode.endedAtMs, policy)
  return before ? flapping : observeChange(flapping, episode.startedAtMs, policy)
}

function holdOf(
  episode: Episode,
  before: SeriesState | undefined,
  flapping: FlappingState,
  policy: DecisionPolicy,
): SeriesState['heldBy'] {
  if (before && episode.endedAtMs !== null) return before.heldBy
  if (compareSeverity(episode.severity, policy.minimumSeverity) < 0) return 'below_severity'
  const escalated = before !== undefined && before.heldBy !== 'below_severity'
  return flapping.flapping && !escalated ? flappingReason : null
}

function reasonOf(anomaly: Anomaly, novelty: Novelty, state: SeriesState): string {
  if (novelty === 'already_true') return 'duplicate'
  if (state.heldBy) return state.heldBy
  if (anomaly.state === 'resolved') return anomaly.endReason === beganAnew ? beganAnew : 'resolved'
  return anomaly.state === 'escalated' ? 'escalated' : 'new'
}

const reasonsToNotify: readonly string[] = ['new', 'escalated', 'resolved', beganAnew]

/** An episode that a later one has replaced is over, whatever its own late record says. */
function outdated(anomaly: Anomaly, known: SeriesState): Episode {
  const ended = learn(anomaly, undefined)
  return { ...ended, endedAtMs: ended.endedAtMs ?? known.episode.startedAtMs }
}

/** The values are those of the record; state, severity and times are the truth. */
function alertOf(anomaly: Anomaly, truth: Episode, reason: string): Alert {
  const { seriesKey, entityKey, metric, labels, observedAtMs, value, expected, lower, upper, score } = anomaly
  return {
    id: truth.id,
    recordId: anomaly.id,
    route: defaultRoute,
    state: truth.endedAtMs === null ? 'firing' : 'resolved',
    decision: reasonsToNotify.includes(reason) ? 'notify' : 'suppress',
    reason,
    severity: truth.severity,
    anomalyId: anomaly.id,
    ...{ seriesKey, entityKey, metric, labels, observedAtMs, value, expected, lower, upper, score },
    startedAtMs: truth.startedAtMs,
    endedAtMs: truth.endedAtMs,
    reasons: anomaly.reasons,
  }
}
