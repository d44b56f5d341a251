/**
 * One batch model on one entity, live: samples in, a verdict for each row out, and all of it as numbers for a checkpoint.
 *
 * Knows nothing of topics. A version that takes over from another takes its episode along, because people were told of that one.
 */
import type { Model } from '@lapwing/contracts/records'
import type { TrainedModel } from '@lapwing/deep/model'
import { createMultivariateDetector, type MultivariateDetector } from '@lapwing/deep/multivariate-detector'
import { type EpisodeTransition, episodeFields, episodeLength, observeEpisode } from '@lapwing/detection/episode'
import { EntityRows, type RowSink } from './entity-rows.ts'

export interface RowVerdict {
  readonly atMs: number
  /** Above 1 is anomalous. */
  readonly score: number
  /** Error of the row in typical errors; NaN when the episode ends without a row, because nobody scores the entity any more. */
  readonly error: number
  /** 0 to 1; 0 in warm-up. */
  readonly confidence: number
  readonly transition: EpisodeTransition
  /** Share of each channel. */
  readonly contributions: Float64Array
  /** Columns of the episode, read with `episodeFields`. */
  readonly episode: Float64Array
}

const counterCount = 5
/** Of layout 1, which has no stretches. */
const counterCountBefore = 4

export class EntityModel {
  readonly model: Model
  /** Above it a window is anomalous, in typical errors. */
  readonly threshold: number
  /** Rows with a score, and those above 1, since the counters began; for a shadow, those of the model in force beside it. */
  rows = 0
  rowsAbove = 0
  rowsAboveInForce = 0
  /** Stretches that a shadow has been through without a decision. */
  waited = 0
  /** Whether a shadow has said what it has to say. */
  isDecided = false
  readonly #trained: TrainedModel
  readonly #entityRows: EntityRows
  readonly #channelOf: ReadonlyMap<string, number>
  #detector: MultivariateDetector
  #episode = new Float64Array(episodeLength)

  constructor(model: Model, trained: TrainedModel) {
    this.model = model
    this.threshold = trained.threshold
    this.#trained = trained
    this.#entityRows = new EntityRows(trained.channels.length, model.stepMs)
    this.#channelOf = new Map(trained.channels.map((name, channel) => [name, channel]))
    this.#detector = createMultivariateDetector(trained)
  }

  /** Place of a series among the inputs; undefined when the model does not know it. */
  channelOf(series: string): number | undefined {
    return this.#channelOf.get(series)
  }

  take(channel: number, timestampMs: number, value: number, onVerdict: (verdict: RowVerdict) => void): void {
    const sink: RowSink = {
      onRow: (atMs, row) => onVerdict(this.#judge(atMs, row)),
      onGap: () => {
        this.#detector = createMultivariateDetector(this.#trained)
      },
    }
    this.#entityRows.take(channel, timestampMs, value, sink)
  }

  /** The series are somebody else's to judge, or gone: an open episode ends with this. */
  end(atMs: number): RowVerdict {
    const ended = { kind: 'ended', timestampMs: atMs, score: 0, confirmed: 0, caution: 1 } as const
    return { ...this.#verdict(atMs, 0, 0, observeEpisode(this.#episode, 0, ended)), error: Number.NaN }
  }

  get isEpisodeOpen(): boolean {
    return this.#episode[episodeFields.startedAtMs]! > 0
  }

  /** The same weights at the same place under another record of the version. */
  as(model: Model): EntityModel {
    const same = new EntityModel(model, this.#trained)
    same.restore(this.snapshot())
    return same
  }

  /** Of a version that was told of; without one nobody was told of anything. */
  inheritEpisode(from: EntityModel | undefined): void {
    this.#episode = from ? from.#episode.slice() : new Float64Array(episodeLength)
  }

  restartCounters(): void {
    this.rows = 0
    this.rowsAbove = 0
    this.rowsAboveInForce = 0
  }

  /** A shadow that cannot be decided on yet: another stretch of rows begins. */
  waitOn(): void {
    this.restartCounters()
    this.waited++
  }

  /** A snapshot as a release with that layout wrote it, in the layout of this one. */
  static asOfToday(snapshot: Float64Array, version: number): Float64Array {
    if (version > 1) return snapshot
    return Float64Array.of(...snapshot.subarray(0, counterCountBefore), 0, ...snapshot.subarray(counterCountBefore))
  }

  snapshot(): Float64Array {
    const counters = [this.rows, this.rowsAbove, this.rowsAboveInForce, this.isDecided ? 1 : 0, this.waited]
    return Float64Array.of(...counters, ...this.#episode, ...this.#entityRows.snapshot(), ...this.#detector.snapshot())
  }

  /** Throws a RangeError when it is no snapshot of this model. */
  restore(snapshot: Float64Array): void {
    const rowsAt = counterCount + episodeLength
    const detectorAt = rowsAt + this.#entityRows.snapshotLength
    if (snapshot.length < detectorAt) throw new RangeError(`the state of a model on an entity has ${snapshot.length} numbers`)
    this.rows = snapshot[0]!
    this.rowsAbove = snapshot[1]!
    this.rowsAboveInForce = snapshot[2]!
    this.isDecided = snapshot[3] === 1
    this.waited = snapshot[4]!
    this.#episode = snapshot.slice(counterCount, rowsAt)
    this.#entityRows.restore(snapshot.subarray(rowsAt, detectorAt))
    this.#detector.restore(snapshot.slice(detectorAt))
  }

  #judge(atMs: number, row: Float64Array): RowVerdict {
    const { score, confidence } = this.#detector.update(row)
    const isObserved = confidence > 0 && row.some(Number.isFinite)
    if (isObserved) this.rows++
    if (isObserved && score > 1) this.rowsAbove++
    const kind = isObserved ? 'scored' : 'unobserved'
    const transition = observeEpisode(this.#episode, 0, { kind, timestampMs: atMs, score, confirmed: score, caution: 1 })
    return this.#verdict(atMs, score, isObserved ? confidence : 0, transition)
  }

  #verdict(atMs: number, score: number, confidence: number, transition: EpisodeTransition): RowVerdict {
    const { contributions } = this.#detector
    return { atMs, score, error: score * this.threshold, confidence, transition, contributions, episode: this.#episode }
  }
}
