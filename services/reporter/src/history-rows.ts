/** Between records and rows of the history. Pure. */
import type { Anomaly, EpisodeSignature, Label, Notification, Reason } from '@lapwing/contracts/records'
import type { Episode } from './episode.ts'
import type { AnomalyRow, EpisodeRow, JudgementRow, NotificationRow } from './history-schema.ts'
import type { EpisodeStep, Judgement } from './history-store.ts'

export function fromAnomaly(record: Anomaly): AnomalyRow {
  const { id, episodeId, state, severity, observedAtMs, value, expected, score } = record
  return storable({
    ...{ id, episode_id: episodeId, state, severity, observed_at_ms: observedAtMs },
    ...{ value: finite(value), expected: finite(expected), score: finite(score) },
  })
}

export function toStep(row: AnomalyRow): EpisodeStep {
  const { id, state, severity, observed_at_ms: observedAtMs } = row
  return { id, state, severity, observedAtMs, value: number(row.value), expected: number(row.expected), score: number(row.score) }
}

export function fromNotification(record: Notification): NotificationRow {
  const { alertId, anomalyId, labels, atMs, ...same } = record
  return storable({ ...same, alert_id: alertId, anomaly_id: anomalyId, labels: pairsText(labels), at_ms: atMs })
}

export function toNotification(row: NotificationRow): Notification {
  const { alert_id: alertId, anomaly_id: anomalyId, labels, at_ms: atMs, ...same } = row
  const { id, route, receiver, outcome, reason, state, severity, metric, attempts, error } = same
  const text = { id, route, receiver, outcome, reason, state, severity, metric, attempts, error }
  return { ...text, alertId, anomalyId, labels: labelsOf(labels), atMs }
}

export function fromJudgement(judgement: Judgement): JudgementRow {
  const { anomalyId, episodeId, atMs, untilMs, ...same } = judgement
  const { verdict, author, comment, origin } = same
  return storable({
    ...{ anomaly_id: anomalyId, episode_id: episodeId, verdict, author, comment, origin },
    ...{ at_ms: atMs, until_ms: untilMs },
  })
}

export function toJudgement(row: JudgementRow): Judgement {
  const { verdict, author, comment, origin } = row
  const said = { verdict, author, comment, origin }
  return { ...said, anomalyId: row.anomaly_id, episodeId: row.episode_id, atMs: row.at_ms, untilMs: row.until_ms }
}

export function fromEpisode(episode: Episode): EpisodeRow {
  const { state, severity, metric, source, worst, newest } = episode
  return storable({
    ...{ state, severity, metric, source, episode_id: episode.episodeId, series_key: episode.seriesKey },
    ...{ entity_key: episode.entityKey, labels: pairsText(episode.labels), started_at_ms: episode.startedAtMs },
    ...{
      observed_at_ms: episode.observedAtMs,
      ended_at_ms: episode.endedAtMs,
      end_reason: episode.endReason,
      peak_score: finite(episode.peakScore),
    },
    ...{ opening_record_id: episode.openedBy, newest_record_id: newest.recordId, suppressed_by: newest.suppressedBy },
    ...{ signature: newest.signature && JSON.stringify(newest.signature), record_id: worst.recordId },
    ...{ resolves: Number(worst.resolves), model: worst.model, value: finite(worst.value), expected: finite(worst.expected) },
    ...{ lower: finite(worst.lower), upper: finite(worst.upper), score: finite(worst.score) },
    ...{ confidence: finite(worst.confidence), reasons: JSON.stringify(worst.reasons) },
  })
}

export function toEpisode(row: EpisodeRow): Episode {
  const { state, severity, metric, source, model } = row
  return {
    ...{ state, severity, metric, source, episodeId: row.episode_id, seriesKey: row.series_key, entityKey: row.entity_key },
    ...{ labels: labelsOf(row.labels), startedAtMs: row.started_at_ms, observedAtMs: row.observed_at_ms },
    ...{
      endedAtMs: row.ended_at_ms,
      endReason: row.end_reason,
      peakScore: number(row.peak_score),
      openedBy: row.opening_record_id,
    },
    newest: {
      recordId: row.newest_record_id,
      suppressedBy: row.suppressed_by,
      signature: row.signature === null ? null : (JSON.parse(row.signature) as EpisodeSignature),
    },
    worst: {
      ...{ model, recordId: row.record_id, resolves: row.resolves === 1, value: number(row.value) },
      ...{ expected: number(row.expected), lower: number(row.lower), upper: number(row.upper) },
      ...{ score: number(row.score), confidence: number(row.confidence), reasons: JSON.parse(row.reasons) as Reason[] },
    },
  }
}

/** PostgreSQL takes no NUL in text, and label values come from strangers; both databases keep the same instead. */
function storable<Row extends object>(row: Row): Row {
  const cells = Object.entries(row).map(([name, cell]) => [
    name,
    typeof cell === 'string' ? cell.replaceAll('\0', '\ufffd') : cell,
  ])
  return Object.fromEntries(cells) as Row
}

/** Pairs, not a map: a label may be called `__proto__`. */
function pairsText(labels: readonly Label[]): string {
  return JSON.stringify(labels.map(({ name, value }) => [name, value]))
}

function labelsOf(pairs: string): Label[] {
  return (JSON.parse(pairs) as [string, string][]).map(([name, value]) => ({ name, value }))
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

function number(cell: number | null): number {
  return cell ?? Number.NaN
}
