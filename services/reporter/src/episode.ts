/**
 * An anomalous episode, folded from its records: opened, escalated, resolved.
 *
 * The fold is a join: records may come in any order and any number of times and give the same episode, so a replay of the log
 * needs no bookkeeping. What the episode shows of value, expectation and reasons is its worst moment, because at the record
 * that resolves it the value is normal again and explains nothing.
 */
import { episodeEnd } from '@lapwing/contracts/episode-end'
import type { Anomaly, AnomalyState, Label, Reason, Severity } from '@lapwing/contracts/records'

export interface Episode {
  readonly episodeId: string
  readonly state: AnomalyState
  readonly severity: Severity
  readonly seriesKey: string
  readonly entityKey: string
  readonly metric: string
  readonly labels: readonly Label[]
  readonly source: string
  readonly startedAtMs: number
  /** Time of the newest sample that led to a record. */
  readonly observedAtMs: number
  readonly endedAtMs: number | null
  /** Why it ended (`episodeEnd`); empty while it has not, or when it was kept before this was. */
  readonly endReason: string
  readonly peakScore: number
  /** Id of the record that opened it, empty while that one has not been seen: verdicts on the episode are said of it. */
  readonly openedBy: string
  readonly newest: NewestRecord
  /** The moment that the episode is shown by. */
  readonly worst: WorstMoment
}

/** What only the last record knows whole. */
export interface NewestRecord {
  readonly recordId: string
  /** Verdict that holds the episode back, empty when none does. */
  readonly suppressedBy: string
  readonly signature: Anomaly['signature']
}

export interface WorstMoment {
  readonly recordId: string
  /** A record that resolves shows a normal value: it counts only while there is no other. */
  readonly resolves: boolean
  readonly model: string
  readonly value: number
  readonly expected: number
  readonly lower: number
  readonly upper: number
  readonly score: number
  readonly confidence: number
  readonly reasons: readonly Reason[]
}

export function foldAnomaly(episode: Episode | undefined, record: Anomaly): Episode {
  const alone = episodeOf(record)
  return episode ? join(episode, alone) : alone
}

function episodeOf(record: Anomaly): Episode {
  return {
    episodeId: record.episodeId,
    state: record.state,
    severity: record.severity,
    seriesKey: record.seriesKey,
    entityKey: record.entityKey,
    metric: record.metric,
    labels: record.labels,
    source: record.source,
    startedAtMs: record.startedAtMs,
    observedAtMs: record.observedAtMs,
    endedAtMs: record.endedAtMs,
    endReason: episodeEnd(record),
    peakScore: Math.max(record.peakScore, record.score),
    openedBy: record.state === 'open' ? record.id : '',
    newest: { recordId: record.id, suppressedBy: record.suppressedBy, signature: record.signature },
    worst: {
      recordId: record.id,
      resolves: record.state === 'resolved',
      model: record.model,
      value: record.value,
      expected: record.expected,
      lower: record.lower,
      upper: record.upper,
      score: record.score,
      confidence: record.confidence,
      reasons: record.reasons,
    },
  }
}

function join(a: Episode, b: Episode): Episode {
  return {
    ...a,
    state: higher(stateOrder, a.state, b.state),
    severity: higher(severityOrder, a.severity, b.severity),
    startedAtMs: Math.min(a.startedAtMs, b.startedAtMs),
    observedAtMs: Math.max(a.observedAtMs, b.observedAtMs),
    endedAtMs: a.endedAtMs === null || b.endedAtMs === null ? (a.endedAtMs ?? b.endedAtMs) : Math.max(a.endedAtMs, b.endedAtMs),
    endReason: endReasonOf(a, b),
    peakScore: Math.max(a.peakScore, b.peakScore),
    openedBy: [a.openedBy, b.openedBy].filter(Boolean).sort()[0] ?? '',
    newest: isNewer(b, a) ? b.newest : a.newest,
    worst: isWorse(b.worst, a.worst) ? b.worst : a.worst,
  }
}

/** Of the later end. */
function endReasonOf(a: Episode, b: Episode): string {
  const [aEndMs, bEndMs] = [a, b].map(({ endedAtMs }) => endedAtMs ?? Number.NEGATIVE_INFINITY)
  if (aEndMs !== bEndMs) return aEndMs! > bEndMs! ? a.endReason : b.endReason
  return [a.endReason, b.endReason].sort()[1]!
}

const stateOrder: readonly AnomalyState[] = ['unknown', 'open', 'escalated', 'resolved']
const severityOrder: readonly Severity[] = ['info', 'warning', 'critical']

function higher<T>(order: readonly T[], a: T, b: T): T {
  return order.indexOf(a) >= order.indexOf(b) ? a : b
}

function isNewer(a: Episode, b: Episode): boolean {
  return a.observedAtMs === b.observedAtMs ? a.newest.recordId > b.newest.recordId : a.observedAtMs > b.observedAtMs
}

/** A total order, so that the order of arrival does not decide between equals. */
function isWorse(a: WorstMoment, b: WorstMoment): boolean {
  if (a.resolves !== b.resolves) return b.resolves
  if (a.score !== b.score) return a.score > b.score
  return a.recordId > b.recordId
}
