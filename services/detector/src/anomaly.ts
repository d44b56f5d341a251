/** The public anomaly record: what is said of an episode that opens, grows more severe, or ends, and how it goes onto the log. */
import { createHash } from 'node:crypto'
import { encode } from '@lapwing/contracts/codec'
import type { Anomaly, AnomalyState, Reason, SampleBatch } from '@lapwing/contracts/records'
import { type LabelSet, seriesText } from '@lapwing/contracts/series'
import { entityText, keyText } from '@lapwing/contracts/series-table'
import { type EpisodeTransition, episodeFields, severityOf } from '@lapwing/detection/episode'
import type { SampleInput, Verdict } from '@lapwing/detection/series-detector'
import type { LogRecord, OutgoingRecord } from '@lapwing/stream/log'

export interface AnomalyInput {
  readonly batch: SampleBatch
  /** Place of the series in the batch. */
  readonly series: number
  readonly labels: LabelSet
  readonly sample: SampleInput
  readonly verdict: Verdict
  /** Row of the series, read with `episodeFields`. */
  readonly episode: Float64Array
  readonly model: string
}

export function describeAnomaly({ batch, series, labels, sample, verdict, episode, model }: AnomalyInput): Anomaly {
  const resolved = verdict.transition === 'resolved'
  const startedAtMs = episode[resolved ? episodeFields.lastStartedAtMs : episodeFields.startedAtMs]!
  const seriesKey = keyText(batch.series, series)
  const episodeId = identity(seriesKey, startedAtMs, model)
  const state = stateOf[verdict.transition]
  return {
    id: identity(episodeId, state, sample.timestampMs),
    episodeId,
    state,
    severity: severityOf(episode),
    seriesKey,
    entityKey: entityText(batch.series, series),
    metric: labels.find((label) => label.name === '__name__')?.value ?? seriesText(labels),
    labels,
    source: batch.source,
    model,
    startedAtMs,
    observedAtMs: sample.timestampMs,
    endedAtMs: resolved ? sample.timestampMs : null,
    value: sample.stale ? Number.NaN : sample.value,
    expected: verdict.expected,
    lower: verdict.lower,
    upper: verdict.upper,
    score: verdict.score,
    peakScore: episode[episodeFields.peakScore]!,
    confidence: verdict.confidence,
    reasons: rankedReasons(verdict),
    suppressedBy: '',
    signature: null,
  }
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

function rankedReasons({ levelShare, changeShare, isolationShare, noveltyShare }: Verdict): Reason[] {
  return [
    { name: 'level', share: levelShare },
    { name: 'change', share: changeShare },
    { name: 'isolation', share: isolationShare },
    { name: 'novelty', share: noveltyShare },
  ]
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share)
}
