/**
 * Anomalous samples to episodes: one opening, rises in severity, one end.
 *
 * Opens on a live sample that is anomalous; ends when three in a row are clearly normal again. The gap between "anomalous" and
 * "clearly normal" keeps an episode from falling apart. Severity says how unusual the worst sample was and how long it has
 * lasted; it only rises within an episode.
 *
 * Counted in samples, so that a replay decides the same. State is a few columns of the series' row.
 */

export type EpisodeTransition = 'none' | 'opened' | 'escalated' | 'resolved'

export const severities = ['info', 'warning', 'critical'] as const
export type Severity = (typeof severities)[number]

/** Columns of the row that belong to the episode. */
export const episodeFields = {
  /** Time of the first anomalous sample; 0 while there is no episode. */
  startedAtMs: 11,
  peakScore: 12,
  /** Number of `severities`. */
  severity: 13,
  /** Clearly normal samples in a row. */
  normalSamples: 14,
  anomalousSamples: 15,
  /** Start of the episode that ended last, for the record that tells of its end. */
  lastStartedAtMs: 16,
} as const

export interface EpisodeObservation {
  /** `unobserved`: history or a filled gap, which never opens or ends anything. `ended`: the series is gone. */
  readonly kind: 'scored' | 'unobserved' | 'ended'
  readonly timestampMs: number
  readonly score: number
}

/** Takes the sample into account in `rows` from `at` on, and tells what happened. */
export function observeEpisode(
  rows: Float64Array,
  at: number,
  { kind, timestampMs, score }: EpisodeObservation,
): EpisodeTransition {
  const open = rows[at + episodeFields.startedAtMs]! > 0
  if (kind === 'unobserved') return 'none'
  if (kind === 'ended') return open ? end(rows, at) : 'none'
  if (!open) return score > anomalousScore ? begin(rows, at, timestampMs, score) : 'none'
  const normal = score < normalScore ? rows[at + episodeFields.normalSamples]! + 1 : 0
  rows[at + episodeFields.normalSamples] = normal
  return normal === samplesToEnd ? end(rows, at) : proceed(rows, at, score)
}

export function severityOf(row: Float64Array): Severity {
  return severities[row[episodeFields.severity]!]!
}

/** Above: anomalous. */
const anomalousScore = 1
/** Below: clearly normal. */
const normalScore = 0.7
const samplesToEnd = 3

function begin(rows: Float64Array, at: number, timestampMs: number, score: number): EpisodeTransition {
  rows[at + episodeFields.startedAtMs] = timestampMs
  rows[at + episodeFields.peakScore] = score
  rows[at + episodeFields.anomalousSamples] = 1
  rows[at + episodeFields.normalSamples] = 0
  rows[at + episodeFields.severity] = severityNumber(score, 1)
  return 'opened'
}

function proceed(rows: Float64Array, at: number, score: number): EpisodeTransition {
  rows[at + episodeFields.peakScore] = Math.max(rows[at + episodeFields.peakScore]!, score)
  if (score > anomalousScore) rows[at + episodeFields.anomalousSamples]!++
  const severity = severityNumber(rows[at + episodeFields.peakScore]!, rows[at + episodeFields.anomalousSamples]!)
  if (severity <= rows[at + episodeFields.severity]!) return 'none'
  rows[at + episodeFields.severity] = severity
  return 'escalated'
}

function end(rows: Float64Array, at: number): EpisodeTransition {
  rows[at + episodeFields.lastStartedAtMs] = rows[at + episodeFields.startedAtMs]!
  rows[at + episodeFields.startedAtMs] = 0
  return 'resolved'
}

function severityNumber(peakScore: number, anomalousSamples: number): number {
  if (peakScore >= 3 && anomalousSamples >= 4) return 2
  return peakScore >= 1.5 || anomalousSamples >= 3 ? 1 : 0
}
