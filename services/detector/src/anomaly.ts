/** The public anomaly record: what is said of an episode that opens, grows more severe, or ends, and how it goes onto the log. */
import { createHash } from 'node:crypto'
import { encode } from '@lapwing/contracts/codec'
import type { Anomaly, AnomalyState, Reason } from '@lapwing/contracts/records'
import { type LabelSet, seriesText } from '@lapwing/contracts/series'
import { type EpisodeTransition, episodeFields, severityOf } from '@lapwing/detection/episode'
import type { EpisodeSample, Told } from '@lapwing/detection/feedback'
import type { SampleInput } from '@lapwing/detection/sample'
import { contributionNames, toldBound, type Verdict } from '@lapwing/detection/verdict'
import type { LogRecord, OutgoingRecord } from '@lapwing/stream/log'

export interface AnomalyInput {
  /** 32 hexadecimal digits each. */
  readonly seriesKey: string
  readonly entityKey: string
  readonly source: string
  readonly labels: LabelSet
  readonly sample: SampleInput
  readonly verdict: Verdict
  /** What verdicts of people leave of it. */
  readonly told: Told
  /** Columns of the episode, read with `episodeFields`. */
  readonly episode: Float64Array
  /** What scored the sample. */
  readonly model: string
  /** What the state of the series belongs to, and so its open episode: outlives a new version of the scores, as the episode does. */
  readonly stateName: string
  /** The episode of an earlier detector that it is told under (`left-open.ts`). */
  readonly under?: EpisodeName | undefined
}

/** What an episode is known by. */
export type EpisodeName = Pick<Anomaly, 'episodeId' | 'startedAtMs'>

export function describeAnomaly({
  seriesKey,
  entityKey,
  source,
  labels,
  sample,
  verdict,
  told,
  episode,
  model,
  stateName,
  under,
}: AnomalyInput): Anomaly {
  const resolved = told.transition === 'resolved'
  const startedAtMs = under?.startedAtMs ?? startOf(episode, resolved)
  const episodeId = under?.episodeId ?? identity(seriesKey, startedAtMs, stateName)
  const state = stateOf[told.transition]
  return {
    id: identity(episodeId, state, sample.timestampMs),
    episodeId,
    state,
    severity: told.severity,
    seriesKey,
    entityKey,
    metric: labels.find((label) => label.name === '__name__')?.value ?? seriesText(labels),
    labels,
    source,
    model,
    startedAtMs,
    observedAtMs: sample.timestampMs,
    endedAtMs: resolved ? sample.timestampMs : null,
    value: sample.stale ? Number.NaN : sample.value,
    expected: toldBound(verdict.expected, verdict),
    lower: toldBound(verdict.lower, verdict),
    upper: toldBound(verdict.upper, verdict),
    score: verdict.score,
    peakScore: episode[episodeFields.peakScore]!,
    confidence: verdict.confidence,
    reasons: rankedReasons(verdict),
    suppressedBy: told.suppressedBy?.verdict ?? '',
    signature: told.signature,
    endReason: '',
  }
}

/** The end of an episode whose detector began anew: nobody knows whether the series is normal again. */
export function endedUnseen(newest: Anomaly, atMs: number): Anomaly {
  const endedAtMs = Math.max(atMs, newest.observedAtMs)
  return {
    ...newest,
    id: identity(newest.episodeId, 'resolved', 'began_anew'),
    state: 'resolved',
    observedAtMs: endedAtMs,
    endedAtMs,
    ...{ value: Number.NaN, score: 0, confidence: 0, reasons: [], endReason: 'began_anew' },
  }
}

/** What a sample means to the verdicts on its series. */
export function episodeSample(sample: SampleInput, verdict: Verdict, episode: Float64Array): EpisodeSample {
  const excursion = sample.stale ? 0 : sample.value - verdict.expected
  const halfWidth = excursion < 0 ? verdict.expected - verdict.lower : verdict.upper - verdict.expected
  return {
    timestampMs: sample.timestampMs,
    transition: verdict.transition,
    startedAtMs: startOf(episode, verdict.transition === 'resolved'),
    severity: severityOf(episode),
    isAnomalous: verdict.score > 1 && sample.live && !sample.imputed,
    deviations: halfWidth > 0 ? excursion / halfWidth : 0,
    excursion,
    reasons: rankedReasons(verdict),
  }
}

function startOf(episode: Float64Array, isEnded: boolean): number {
  return episode[isEnded ? episodeFields.lastStartedAtMs : episodeFields.startedAtMs]!
}

/**
 * Key: the entity, so that what belongs together stays in order. Headers: CloudEvents 1.0, Kafka binding, binary mode; `ce_id` is
 * the record's identity, so a consumer can drop duplicates without decoding.
 */
export function anomalyRecord(anomaly: Anomaly, source: LogRecord, topic: string): OutgoingRecord {
  const headers = new Map([
    ['ce_specversion', '1.0'],
    ['ce_id', anomaly.id],
    ['ce_source', `lapwing/detector/${source.partition}`],
    ['ce_type', `io.lapwing.anomaly.${anomaly.state}.v1`],
    ['ce_time', new Date(anomaly.observedAtMs).toISOString()],
    ['ce_subject', anomaly.seriesKey],
    ['content-type', 'application/avro'],
  ])
  const key = Buffer.from(anomaly.entityKey, 'hex')
  return { topic, partition: source.partition, key, value: encode('Anomaly', anomaly), headers }
}

const stateOf: Record<EpisodeTransition, AnomalyState> = {
  none: 'unknown',
  opened: 'open',
  escalated: 'escalated',
  resolved: 'resolved',
}

function identity(...parts: (string | number)[]): string {
  return createHash('sha256').update(parts.join('/')).digest('hex').slice(0, 32)
}

/** What contributes less than this is no reason. */
const leastShare = 0.005

function rankedReasons({ contributions }: Verdict): Reason[] {
  const reasons = contributionNames
    .map((name, i) => ({ name, share: contributions[i]! }))
    .filter(({ share }) => share >= leastShare)
  const sum = reasons.reduce((total, { share }) => total + share, 0)
  return reasons.map(({ name, share }) => ({ name, share: share / sum })).sort((a, b) => b.share - a.share)
}
