/**
 * The drift step: score batches of one partition in, requests for retraining out.
 *
 * Each series has a drift detector (ADWIN by default) over its scores: while the model still fits the series, scores stay where
 * they are; when they change, it no longer describes the data. Batch models belong to entities, so what the series of an entity say is one
 * request (`entity-drift.ts`): it names the series that moved most, what changed and who noticed. The score of an entity under
 * its batch model is such a series too; that of a shadow is not watched. Scores under another model are another quantity: a detector begins anew with it.
 *
 * Scores are capped before the detector sees them: one freak is an anomaly, not drift. Samples that were not scored (warm-up, repeats,
 * filled gaps) are left out.
 *
 * Verdicts of people come from beside (`apply`), and lead to a request with the next score of their entity.
 *
 * Series that are gone are forgotten (`watched-series.ts`), and entities with the last of theirs.
 *
 * Deterministic: time comes from the samples; the identity of a request from series and sample.
 */
import { createHash } from 'node:crypto'
import { decode, encode } from '@lapwing/contracts/codec'
import type { Control, Feedback, ScoreBatch } from '@lapwing/contracts/records'
import type { LabelSet } from '@lapwing/contracts/series'
import { entityText, keyBytes, keyText, labelReader } from '@lapwing/contracts/series-table'
import { createDriftDetector } from '@lapwing/detection/drift-detector'
import type { LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import type { KeyState } from '@lapwing/stream/partition-state'
import type { StatefulStep } from '@lapwing/stream/stateful-stage'
import { type EntityDriftOutcome, type HeldBy, heldBy } from './entity-drift.ts'
import type { VerdictOutcome } from './model-verdicts.ts'
import { driftRequest, type RequestCause, verdictRequest } from './request-cause.ts'
import { eachScore } from './scored-samples.ts'
import { modelNumber, type SeriesWatch, unknownModel } from './series-watch.ts'
import { WatchedEntities } from './watched-entities.ts'
import { WatchedSeries, type WatchedSeriesOptions } from './watched-series.ts'

export interface DriftOptions extends WatchedSeriesOptions {
  readonly enabled: boolean
  readonly cooldownMs: number
  /** Of one entity. */
  readonly requestsPerWeek: number
  /** Scored samples of an entity after which it asks without drift; 0 for never. */
  readonly afterSamples: number
  readonly controlTopic: string
  observe(observation: DriftObservation): void
  observeVerdict(outcome: VerdictOutcome): void
}

/** One batch. */
export interface DriftObservation {
  readonly scores: number
  /** Scores of series beyond the limit. */
  readonly overLimit: number
  readonly requests: number
  /** Drift of a series that was no request, by what held it. */
  readonly held: Readonly<Record<HeldBy, number>>
  readonly series: number
}

/** Layout of the state of series and entities. */
export const driftStateVersion = 2

/** The step of one partition. */
export function createDriftStep(options: DriftOptions): StatefulStep {
  return new DriftStep(options)
}

/** A batch in hand. */
interface BatchInHand {
  readonly batch: ScoreBatch
  readonly record: LogRecord
  readonly emit: (output: OutgoingRecord) => void
  readonly readLabels: (series: number) => LabelSet
  readonly model: number
  /** The one whose scores are being taken. */
  series: number
  entityKey: string
  /** undefined when it is beyond the limit. */
  watch: SeriesWatch | undefined
  readonly counts: { overLimit: number; requests: number; held: Record<HeldBy, number> }
}

class DriftStep implements StatefulStep {
  readonly #options: DriftOptions
  readonly #series: WatchedSeries
  readonly #entities: WatchedEntities

  constructor(options: DriftOptions) {
    this.#options = options
    this.#series = new WatchedSeries(options)
    this.#entities = new WatchedEntities(options)
  }

  process(record: LogRecord, emit: (output: OutgoingRecord) => void): void {
    if (!this.#options.enabled || !record.value) return
    const batch = decode('ScoreBatch', record.value)
    if (batch.source === shadowSource) return
    const held = Object.fromEntries(heldBy.map((by) => [by, 0])) as Record<HeldBy, number>
    const counts = { overLimit: 0, requests: 0, held }
    if (batch.kind === 'live' && this.#series.advance(batch.newestMs)) this.#forgetEntities()
    const none = { series: -1, entityKey: '', watch: undefined }
    const model = modelNumber(batch.model)
    const hand: BatchInHand = { batch, record, emit, readLabels: labelReader(batch.series), model, counts, ...none }
    const scores = eachScore(batch, (series, timestampMs, score) => this.#take(hand, series, timestampMs, score))
    this.#options.observe({ ...counts, scores: scores - counts.overLimit, series: this.#series.size })
  }

  /** Of the feedback topic. Throws a DecodeError. */
  apply({ key, value }: LogRecord): void {
    if (!this.#options.enabled) return
    if (value) this.#options.observeVerdict(this.#judge(decode('Feedback', value)))
    else this.#takeBack(Buffer.from(key ?? []).toString())
  }

  *takeChanged(): Generator<KeyState> {
    yield* this.#series.takeChanged()
    yield* this.#entities.takeChanged()
  }

  takeForgotten(): Uint8Array[] {
    return [...this.#series.takeForgotten(), ...this.#entities.takeForgotten()]
  }

  restore(key: Uint8Array, snapshot: Uint8Array, version: number): void {
    if (!this.#entities.restore(key, snapshot)) this.#series.restore(key, snapshot, version)
  }

  #take(hand: BatchInHand, series: number, timestampMs: number, score: number): void {
    if (series !== hand.series) this.#turnTo(hand, series)
    const { watch } = hand
    if (!watch) {
      hand.counts.overLimit++
      return
    }
    const capped = Math.min(score, largestScore)
    if (hand.batch.source === entitySource) this.#observeEntity(hand, series, timestampMs, capped)
    if (this.#options.afterSamples > 0) this.#count(hand, timestampMs)
    if (watch.detector.update(capped) === 'drift') this.#drifted(hand, series, timestampMs, watch)
  }

  #turnTo(hand: BatchInHand, series: number): void {
    const { batch, model } = hand
    hand.series = series
    hand.entityKey = entityText(batch.series, series)
    hand.watch = this.#series.see(batch.series.keys, series * keyBytes, () => this.#beginWatch(hand.entityKey))
    if (!hand.watch) return
    this.#assignEntity(hand.watch, hand.entityKey)
    if (hand.watch.model !== model) this.#changeModel(hand.watch, hand)
  }

  #beginWatch(entityKey: string): SeriesWatch {
    this.#addSeries(entityKey)
    const detector = createDriftDetector(this.#options)
    return { detector, model: unknownModel, entityKey, begunMs: 0, seenMs: 0 }
  }

  /** Series change their entity with the labels that make one. */
  #assignEntity(watch: SeriesWatch, entityKey: string): void {
    if (watch.entityKey !== undefined && watch.entityKey !== entityKey) this.#addSeries(entityKey)
    watch.entityKey = entityKey
  }

  #addSeries(entityKey: string): void {
    this.#entities.touch(entityKey).drift.series++
  }

  #forgetEntities(): void {
    const counts = this.#series.countByEntity()
    if (counts) this.#entities.forgetGone(counts, this.#series.nowMs)
  }

  #observeEntity(hand: BatchInHand, series: number, timestampMs: number, score: number): void {
    const { entityKey } = hand
    const { drift } = this.#entities.touch(entityKey)
    if (!drift.scoresKey) {
      drift.expectVerdicts(keyText(hand.batch.series, series), timestampMs)
      this.#entities.knowScores(entityKey)
    }
    const outcome = drift.observe(timestampMs, score, this.#options)
    if (outcome?.kind === 'judged') {
      const scores = { seriesKey: drift.scoresKey!, labels: hand.readLabels(series) }
      this.#ask(hand, { ...verdictRequest(outcome.drift, scores), timestampMs })
    } else if (outcome) this.#follow(hand, outcome, timestampMs)
  }

  #judge(feedback: Feedback): VerdictOutcome {
    return this.#entities.touchOfScores(feedback.seriesKey)?.drift.judge(feedback) ?? 'no_model'
  }

  #takeBack(anomalyId: string): void {
    for (let taken = this.#entities.takeBack(anomalyId); taken > 0; taken--) this.#options.observeVerdict('taken_back')
  }

  #changeModel(watch: SeriesWatch, { batch, model, entityKey }: BatchInHand): void {
    if (watch.model !== unknownModel) watch.detector = createDriftDetector(this.#options)
    watch.model = model
    if (batch.source === entitySource) this.#entities.touch(entityKey).drift.beginModel()
  }

  #drifted(hand: BatchInHand, series: number, timestampMs: number, watch: SeriesWatch): void {
    const { batch, readLabels, entityKey } = hand
    const outcome = this.#entities.touch(entityKey).drift.take(
      {
        seriesKey: keyText(batch.series, series),
        labels: readLabels(series),
        atMs: timestampMs,
        change: watch.detector.change(),
        isOfEntity: batch.source === entitySource,
      },
      this.#options,
    )
    this.#follow(hand, outcome, timestampMs)
  }

  #follow(hand: BatchInHand, outcome: EntityDriftOutcome, timestampMs: number): void {
    if (outcome.kind === 'held') hand.counts.held[outcome.by]++
    else if (outcome.kind === 'request') this.#ask(hand, { ...driftRequest(outcome, this.#options), timestampMs })
  }

  #count(hand: BatchInHand, timestampMs: number): void {
    const entity = this.#entities.touch(hand.entityKey)
    entity.samples++
    const { samples } = entity
    if (samples < this.#options.afterSamples) return
    const numbers = { statistic: samples, threshold: this.#options.afterSamples, seriesKey: '', labels: [] }
    this.#ask(hand, { reason: `${samples} samples since the last request`, detector: 'count', ...numbers, timestampMs })
  }

  #ask({ record, emit, counts, entityKey }: BatchInHand, { timestampMs, ...request }: Request): void {
    counts.requests++
    this.#entities.touch(entityKey).samples = 0
    const scope = `entity:${entityKey}`
    const control: Control = {
      id: createHash('sha256').update(`${scope}/retrain/${timestampMs}`).digest('hex').slice(0, 32),
      kind: 'retrain',
      scope,
      requestedBy: 'drift',
      requestedAtMs: timestampMs,
      ...request,
    }
    const { partition } = record
    emit({ topic: this.#options.controlTopic, partition, key: Buffer.from(scope), value: encode('Control', control) })
  }
}

/** Of the entity in hand. */
interface Request extends RequestCause {
  readonly timestampMs: number
}

/** Sources of the scores of whole entities: under the model in force, and under one that is being tried. */
const entitySource = 'lapwing_entity_score'
const shadowSource = 'lapwing_entity_score_shadow'
/** Larger scores count as this. */
const largestScore = 3
