/**
 * Anomalous samples to episodes: one opening, rises in severity, one end.
 *
 * Opens on a live sample that is novel, or news in several samples; ends when three in a row are clearly normal again. The gap between "anomalous" and
 * "clearly normal" keeps an episode from falling apart. Severity says how unusual the worst sample was and how long it has
 * lasted; it only rises within an episode. Of a series that is known for a day or two it must be more unusual.
 *
 * Counted in samples, so that a replay decides the same. State is a few columns of the series' row.
 */

export type EpisodeTransition = 'none' | 'opened' | 'escalated' | 'resolved'

export const severities = ['info', 'warning', 'critical'] as const
export type Severity = (typeof severities)[number]

/** Columns of the row that belong to the episode. */
export const episodeFields = {
  /** Time of the first anomalous sample; 0 while there is no episode. */
  startedAtMs: 0,
  peakScore: 1,
  /** Number of `severities`. */
  severity: 2,
  /** Clearly normal samples in a row. */
  normalSamples: 3,
  anomalousSamples: 4,
  /** Start of the episode that ended last, for the record that tells of its end. */
  lastStartedAtMs: 5,
  /** Samples in a row, newest lowest, that are confirmed: a bit each. */
  confirmedBits: 6,
  peakConfirmed: 7,
  lastEndedAtMs: 8,
} as const
export const episodeLength = 10

export interface EpisodeObservation {
  /** `unobserved`: history or a filled gap, which never opens or ends anything. `ended`: the series is gone. */
  readonly kind: 'scored' | 'unobserved' | 'ended'
  readonly timestampMs: number
  readonly score: number
  /** What is calibrated to be news for this series says this; above 1 it is. */
  readonly confirmed: number
  /** How many times as far as otherwise news must go before anybody is told: above 1 while little is known of the series. */
  readonly caution: number
}

/**
 * The `caution` about a series that is known for `days`, or for so many `blocks` of its first day: before its first night nobody can tell a nightly job
 * from a fault. In the first hours thresholds are so high by themselves that more would let a plain fault pass.
 */
export function cautionAfter(days: number, blocks: number): number {
  const begun = days + 1
  return 1 + Math.min(1, blocks / blocksToCaution) / (begun * begun)
}

/** Three hours. */
const blocksToCaution = 12

/** Takes the sample into account in `rows` from `at` on, and tells what happened. */
export function observeEpisode(
  rows: Float64Array,
  at: number,
  { kind, timestampMs, score, confirmed, caution }: EpisodeObservation,
): EpisodeTransition {
  const open = rows[at + episodeFields.startedAtMs]! > 0
  if (kind === 'unobserved') return 'none'
  if (kind === 'ended') return open ? end(rows, at, timestampMs) : 'none'
  const bits = ((rows[at + episodeFields.confirmedBits]! << 1) & 31) | (confirmed > 1 ? 1 : 0)
  rows[at + episodeFields.confirmedBits] = bits
  if (!open) {
    return opens(rows, at, timestampMs, score, confirmed) ? begin(rows, at, timestampMs, score, confirmed, caution) : 'none'
  }
  const normal = score < normalScore ? rows[at + episodeFields.normalSamples]! + 1 : 0
  rows[at + episodeFields.normalSamples] = normal
  return normal === samplesToEnd ? end(rows, at, timestampMs) : proceed(rows, at, score, confirmed, caution)
}

export function severityOf(episode: Float64Array): Severity {
  return severities[episode[episodeFields.severity]!]!
}

/** Above: anomalous. */
const anomalousScore = 1
/** Below: clearly normal. */
const normalScore = 0.7
const samplesToEnd = 3

/**
 * What is novel opens at once; what the channels say when it is strong or has come in several of the last samples, and is larger than
 * in an episode just ended: otherwise it is the same news.
 */
function opens(rows: Float64Array, at: number, timestampMs: number, score: number, confirmed: number): boolean {
  if (score <= anomalousScore) return false
  if (score > confirmed) return true
  if (confirmed < notifyingScore && recentlyConfirmed(rows, at) < samplesToNotify) return false
  const isRecent = timestampMs - rows[at + episodeFields.lastEndedAtMs]! < silenceMs
  return !isRecent || confirmed > rows[at + episodeFields.peakConfirmed]!
}

const silenceMs = 1_800_000

function begin(
  rows: Float64Array,
  at: number,
  timestampMs: number,
  score: number,
  confirmed: number,
  caution: number,
): EpisodeTransition {
  rows[at + episodeFields.startedAtMs] = timestampMs
  rows[at + episodeFields.peakScore] = score
  rows[at + episodeFields.anomalousSamples] = 1
  rows[at + episodeFields.normalSamples] = 0
  rows[at + episodeFields.peakConfirmed] = confirmed
  rows[at + episodeFields.severity] = severityNumber(rows, at, caution)
  return 'opened'
}

function proceed(rows: Float64Array, at: number, score: number, confirmed: number, caution: number): EpisodeTransition {
  rows[at + episodeFields.peakScore] = Math.max(rows[at + episodeFields.peakScore]!, score)
  if (score > anomalousScore) rows[at + episodeFields.anomalousSamples]!++
  rows[at + episodeFields.peakConfirmed] = Math.max(rows[at + episodeFields.peakConfirmed]!, confirmed)
  const severity = severityNumber(rows, at, caution)
  if (severity <= rows[at + episodeFields.severity]!) return 'none'
  rows[at + episodeFields.severity] = severity
  return 'escalated'
}

function end(rows: Float64Array, at: number, timestampMs: number): EpisodeTransition {
  rows[at + episodeFields.lastEndedAtMs] = timestampMs
  rows[at + episodeFields.lastStartedAtMs] = rows[at + episodeFields.startedAtMs]!
  rows[at + episodeFields.startedAtMs] = 0
  return 'resolved'
}

/** Novelty alone is for the record; what is news for the series, strongly or for some samples, is for a person. */
function severityNumber(rows: Float64Array, at: number, caution: number): number {
  const peak = rows[at + episodeFields.peakConfirmed]! / caution
  const recent = recentlyConfirmed(rows, at)
  if (peak >= criticalScore && recent >= samplesToNotify) return 2
  return peak >= notifyingScore || (peak > 1 && recent >= samplesToNotify) ? 1 : 0
}

const notifyingScore = 1.5
const criticalScore = 3
/** Of the last five. */
const samplesToNotify = 3

function recentlyConfirmed(rows: Float64Array, at: number): number {
  const bits = rows[at + episodeFields.confirmedBits]!
  return (bits & 1) + ((bits >> 1) & 1) + ((bits >> 2) & 1) + ((bits >> 3) & 1) + ((bits >> 4) & 1)
}
