/** What is told of an entity as a whole: its scores as a series of its own, its anomalies, and what its shadow found. */
import { createHash } from 'node:crypto'
import { encode } from '@lapwing/contracts/codec'
import { bytesOf } from '@lapwing/contracts/columns'
import type { Anomaly, Control, Model, SampleBatch } from '@lapwing/contracts/records'
import { type LabelSet, seriesKey, sortedLabels } from '@lapwing/contracts/series'
import { reasonNames, seriesStates } from '@lapwing/contracts/series-state'
import { buildSeriesTable, identityWithin } from '@lapwing/contracts/series-table'
import { episodeFields, severityOf } from '@lapwing/detection/episode'
import { modelScope } from '@lapwing/models/control-decision'
import { entityScope } from '@lapwing/models/registry'
import type { ShadowDecision } from '@lapwing/models/shadow-decision'
import type { LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import { anomalyRecord } from '../anomaly.ts'
import type { RowVerdict } from './entity-model.ts'

/** In force tells people; a shadow is only written down. */
export type Role = 'in_force' | 'shadow'

/** Metric names of the series that an entity's scores make, and the source that its batches name. */
export const entitySources: Readonly<Record<Role, string>> = {
  in_force: 'lapwing_entity_score',
  shadow: 'lapwing_entity_score_shadow',
}

export function entityLabels(model: Pick<Model, 'labels'>, role: Role): LabelSet {
  const own = model.labels.map(({ name, value }) => [name, value] as const)
  return sortedLabels([...own, ['__name__', entitySources[role]]])
}

/** Rows of an entity that one sample batch closed, in order. The value of the series is the error of the row in typical errors. */
export interface ScoredRows {
  readonly model: Model
  readonly role: Role
  readonly threshold: number
  readonly verdicts: readonly Pick<RowVerdict, 'atMs' | 'score' | 'confidence'>[]
  readonly isEpisodeOpen: boolean
}

export function scoreRecord(
  { model, role, threshold, verdicts, isEpisodeOpen }: ScoredRows,
  batch: SampleBatch,
  source: LogRecord,
  topic: string,
): OutgoingRecord {
  const count = verdicts.length
  const column = (of: (verdict: ScoredRows['verdicts'][number]) => number) => bytesOf(Float32Array.from(verdicts, of))
  const stateOf = ({ confidence }: ScoredRows['verdicts'][number]) =>
    seriesStates.indexOf(confidence === 0 ? 'warming' : isEpisodeOpen ? 'anomalous' : 'ok')
  const entity = Buffer.from(model.scope.slice(entityScope.length), 'hex')
  const value = encode('ScoreBatch', {
    source: entitySources[role],
    kind: batch.kind,
    sourceOffset: Number(source.offset),
    stepMs: model.stepMs,
    newestMs: verdicts.at(-1)!.atMs,
    model: model.modelId,
    series: seriesTableOf(entityLabels(model, role), entity),
    samplesPerSeries: bytesOf(Uint32Array.of(count)),
    timestampsMs: bytesOf(Float64Array.from(verdicts, ({ atMs }) => atMs)),
    values: bytesOf(Float64Array.from(verdicts, ({ score }) => score * threshold)),
    flags: Buffer.alloc(count),
    scores: column(({ score }) => score),
    expected: column(() => 1),
    lower: column(() => 0),
    upper: column(() => threshold),
    confidence: column(({ confidence }) => confidence),
    states: Buffer.from(Uint8Array.from(verdicts, stateOf)),
    stateDetails: bytesOf(new Float64Array(count)),
    reasons: Buffer.from(Uint8Array.from(verdicts, ({ score }) => reasonNames.indexOf(score > 1 ? 'multivariate' : 'none'))),
  })
  return { topic, partition: source.partition, key: source.key, value }
}

function seriesTableOf(labels: LabelSet, entity: Uint8Array) {
  return buildSeriesTable([identityWithin(entity, labels)])
}

/** The identity of an episode leaves the version out: it may end under another one than it began under. */
export function entityAnomaly(
  model: Model,
  verdict: RowVerdict,
  threshold: number,
  source: LogRecord,
  topic: string,
): OutgoingRecord {
  const labels = entityLabels(model, 'in_force')
  const key = seriesKey(labels).toString('hex')
  const isResolved = verdict.transition === 'resolved'
  const startedAtMs = verdict.episode[isResolved ? episodeFields.lastStartedAtMs : episodeFields.startedAtMs]!
  const episodeId = identity(key, startedAtMs)
  const state = ({ none: 'unknown', opened: 'open', escalated: 'escalated', resolved: 'resolved' } as const)[verdict.transition]
  const anomaly: Anomaly = {
    id: identity(episodeId, state, verdict.atMs),
    episodeId,
    state,
    severity: severityOf(verdict.episode),
    seriesKey: key,
    entityKey: model.scope.slice(entityScope.length),
    metric: entitySources.in_force,
    labels,
    source: entitySources.in_force,
    model: model.modelId,
    startedAtMs,
    observedAtMs: verdict.atMs,
    endedAtMs: isResolved ? verdict.atMs : null,
    value: verdict.error,
    expected: 1,
    lower: 0,
    upper: threshold,
    score: verdict.score,
    peakScore: verdict.episode[episodeFields.peakScore]!,
    confidence: verdict.confidence,
    reasons: reasonsOf(model, verdict.contributions),
    suppressedBy: '',
    signature: null,
    endReason: '',
  }
  return anomalyRecord(anomaly, source, topic)
}

const namedChannels = 5

/** The channels with the largest shares by name, and the rest in one. */
function reasonsOf({ channels }: Model, contributions: Float64Array): Anomaly['reasons'] {
  const ranked = channels
    .map((name, i) => ({ name: `multivariate:${name}`, share: contributions[i]! }))
    .sort((a, b) => b.share - a.share)
  const named = ranked.slice(0, namedChannels).filter(({ share }) => share > 0)
  const rest = 1 - named.reduce((sum, { share }) => sum + share, 0)
  if (named.length === 0) return []
  return rest > 1e-9 ? [...named, { name: 'multivariate:others', share: rest }] : named
}

/** What a shadow has come to, for the owner of the registry. */
export function shadowRecord(
  model: Model,
  { outcome, share, limit, reason }: ShadowDecision,
  atMs: number,
  topic: string,
  partition: number,
): OutgoingRecord {
  const control: Control = {
    id: identity(model.modelId, 'shadow'),
    kind: outcome === 'promote' ? 'promote' : 'rollback',
    scope: `${modelScope}${model.modelId}`,
    reason,
    detector: 'shadow',
    statistic: share,
    threshold: limit,
    seriesKey: '',
    labels: model.labels,
    requestedBy: 'shadow',
    requestedAtMs: atMs,
  }
  return { topic, partition, key: Buffer.from(control.scope), value: encode('Control', control) }
}

function identity(...parts: (string | number)[]): string {
  return createHash('sha256').update(parts.join('/')).digest('hex').slice(0, 32)
}
