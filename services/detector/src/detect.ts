/**
 * The detector's step: a sample batch of one partition in, its score batch and the anomalies that begin or end out.
 *
 * Deterministic: time comes from the samples, chance from the configuration, and the identity of every output from its input,
 * so a replay writes the same bytes.
 */
import { decode } from '@lapwing/contracts/codec'
import type { Anomaly, SampleBatch } from '@lapwing/contracts/records'
import type { LabelSet } from '@lapwing/contracts/series'
import { entityText, keyBytes, labelReader } from '@lapwing/contracts/series-table'
import { type DetectionPolicy, defaultPolicy } from '@lapwing/detection/detection-policy'
import { episodeFields, severityOf } from '@lapwing/detection/episode'
import type { Told } from '@lapwing/detection/feedback'
import { dayMs, isForgotten, isHourOver } from '@lapwing/detection/forgetting'
import type { SampleInput } from '@lapwing/detection/sample'
import { SeriesDetector, scoresVersion } from '@lapwing/detection/series-detector'
import { createSeriesSlots } from '@lapwing/detection/series-slots'
import type { Verdict } from '@lapwing/detection/verdict'
import { seriesDetectorOptions, settingsHash, stateName } from '@lapwing/queries/detector-settings'
import type { LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import type { KeyState } from '@lapwing/stream/partition-state'
import type { NewBeginning, StatefulStep } from '@lapwing/stream/stateful-stage'
import { anomalyRecord, describeAnomaly, endedUnseen, episodeSample } from './anomaly.ts'
import { type CohortMember, Cohorts, cohortOf, isDue, type StartCounts } from './cohorts.ts'
import type { DetectorConfig } from './config.ts'
import { LeftOpen } from './left-open.ts'
import { ScoredBatch, type ScoredColumns } from './scored-batch.ts'
import { longestSilenceMs, SilenceWatch, type Sweep, type WatchedSeries } from './silence.ts'
import { type VerdictOutcome, Verdicts } from './verdicts.ts'

/** The step, for whoever has batches that were never on a log. */
export interface DetectStep extends StatefulStep {
  /**
   * As `process`, of a batch that is decoded.
   *
   * @param record where it stands: partition and offset count, the value is not looked at
   */
  processBatch(batch: SampleBatch, record: LogRecord, emit: (output: OutgoingRecord) => void): void
}

export interface DetectOptions {
  readonly config: DetectorConfig
  /** What is worth telling in the series of a source; undefined: everything. */
  policyOf?(source: string): DetectionPolicy | undefined
  readonly scoresTopic: string
  readonly anomaliesTopic: string
  readonly modelsTopic: string
  /** What earlier detectors opened in the partition and did not end; nothing when it is left out. */
  readonly readLeftOpen?: () => Promise<readonly Anomaly[]>
  /** Takes the scores of a batch in the place of the log. */
  readonly onScores?: (scores: ScoredColumns) => void
  /** Called once per batch. */
  observe(observation: BatchObservation): void
  /** Called once per verdict; again when it is applied again after a crash. */
  observeVerdict(outcome: VerdictOutcome): void
}

export interface BatchObservation {
  readonly samples: number
  /** Not newer than what their series had: repeats, or out of order. */
  readonly notNewer: number
  /** Of series beyond the limit. */
  readonly overLimit: number
  readonly opened: number
  /** Of the opened ones, those that a verdict holds down. */
  readonly suppressed: number
  readonly resolved: number
  /** Series that were forgotten, because nothing came of them any more. */
  readonly forgotten: number
  readonly series: number
  readonly cohortStarts: StartCounts
  readonly newestMs: number
}

/** The step of one partition. */
export function createDetectStep(options: DetectOptions): DetectStep {
  return new PartitionDetector(options)
}

/** A batch in hand. */
interface BatchInHand {
  readonly record: LogRecord
  readonly batch: SampleBatch
  readonly scored: ScoredBatch
  readonly readLabels: (series: number) => LabelSet
  readonly emit: (output: OutgoingRecord) => void
  readonly counts: {
    notNewer: number
    overLimit: number
    opened: number
    suppressed: number
    resolved: number
    forgotten: number
  }
  /** Series for which an hour began. */
  readonly due: CohortMember[]
}

class PartitionDetector implements DetectStep {
  readonly #options: DetectOptions
  readonly #model: string
  readonly #stateName: string
  readonly #detector: SeriesDetector
  readonly #slots = createSeriesSlots()
  readonly #changed = new Set<number>()
  /** Keys on the state topic. */
  readonly #forgotten: Uint8Array[] = []
  readonly #verdicts: Verdicts
  readonly #cohorts: Cohorts
  readonly #silence: SilenceWatch
  readonly #leftOpen = new LeftOpen()

  constructor(options: DetectOptions) {
    const detectorOptions = seriesDetectorOptions(options.config)
    this.#options = options
    this.#model = modelName(options.config)
    this.#stateName = stateName(options.config)
    this.#detector = new SeriesDetector(detectorOptions)
    const { keyOf } = this.#slots
    const slotOf = (seriesKey: Uint8Array) => this.#slotOf(seriesKey, 0)
    this.#silence = new SilenceWatch({ slotOf, keyOf })
    this.#verdicts = new Verdicts({ slotOf, keyOf, adoptLevel: (slot, startedAtMs) => this.#adoptLevel(slot, startedAtMs) })
    const { modelsTopic } = options
    this.#cohorts = new Cohorts({
      detector: this.#detector,
      detectorOptions,
      stateName: this.#stateName,
      modelsTopic,
      keyOf,
      slotOf,
    })
  }

  process(record: LogRecord, emit: (output: OutgoingRecord) => void): void {
    if (record.value) this.processBatch(decode('SampleBatch', record.value), record, emit)
  }

  processBatch(batch: SampleBatch, record: LogRecord, emit: (output: OutgoingRecord) => void): void {
    const scored = new ScoredBatch(batch)
    const counts = { notNewer: 0, overLimit: 0, opened: 0, suppressed: 0, resolved: 0, forgotten: 0 }
    const hand: BatchInHand = { record, batch, scored, readLabels: labelReader(batch.series), emit, counts, due: [] }
    if (batch.kind === 'live') this.#endLeftOpen(hand)
    const policy = this.#options.policyOf?.(batch.source) ?? defaultPolicy
    scored.eachSample((series, at, sample) => {
      sample.policy = policy
      this.#take(hand, series, at, sample)
    })
    const { onScores, scoresTopic } = this.#options
    if (onScores) onScores(scored.columns())
    else emit(scored.toRecord(record, this.#model, scoresTopic))
    const sweep = batch.kind === 'live' ? this.#silence.advance(batch.source, batch.newestMs) : undefined
    if (sweep) this.#tellSilences(hand, sweep)
    if (sweep && isHourOver(sweep.previousMs, sweep.nowMs)) counts.forgotten = this.#forgetIdle(sweep.nowMs)
    if (hand.due.length > 0) for (const prior of this.#cohorts.publish(hand.due, record, batch.newestMs)) emit(prior)
    this.#options.observe({
      ...counts,
      samples: scored.sampleCount,
      series: this.#slots.size,
      cohortStarts: this.#cohorts.takeCounts(),
      newestMs: batch.newestMs,
    })
  }

  /** A verdict or a model. */
  apply(record: LogRecord): void {
    if (record.topic === this.#options.modelsTopic) this.#cohorts.apply(record)
    else this.#options.observeVerdict(this.#verdicts.apply(record))
  }

  async beginAnew(): Promise<(places: NewBeginning) => void> {
    const open = (await this.#options.readLeftOpen?.()) ?? []
    return (places) => this.#leftOpen.begin(places, open)
  }

  takeForgotten(): Uint8Array[] {
    const parts = [this.#verdicts, this.#cohorts, this.#silence, this.#leftOpen]
    return [...this.#forgotten.splice(0), ...parts.flatMap((part) => part.takeForgotten())]
  }

  *takeChanged(): Generator<KeyState> {
    for (const slot of this.#changed) yield { key: this.#slots.keyOf(slot), snapshot: this.#detector.snapshot(slot) }
    this.#changed.clear()
    yield* this.#verdicts.takeChanged()
    yield* this.#cohorts.takeChanged()
    yield* this.#silence.takeChanged()
    yield* this.#leftOpen.takeChanged()
  }

  restore(key: Uint8Array, snapshot: Uint8Array, version: number): void {
    if (this.#verdicts.restore(key, snapshot) || this.#cohorts.restore(key, snapshot, version)) return
    if (this.#silence.restore(key, snapshot) || this.#leftOpen.restore(key, snapshot)) return
    if (key.length !== keyBytes) throw new RangeError(`a series key of ${key.length} bytes`)
    this.#detector.restore(this.#slots.findOrAdd(key, 0), snapshot, version)
  }

  #take(hand: BatchInHand, series: number, at: number, sample: SampleInput): void {
    const slot = this.#slotOf(hand.batch.series.keys, series * keyBytes)
    if (slot === -1) {
      hand.counts.overLimit++
      hand.scored.drop(at)
      return
    }
    const lastMs = this.#detector.lastSampleMs(slot)
    if (lastMs === 0) this.#cohorts.begin(slot, () => hand.readLabels(series), sample)
    if (!this.#detector.update(slot, sample)) {
      hand.counts.notNewer++
      hand.scored.skip(at)
      return
    }
    this.#changed.add(slot)
    const { verdict } = this.#detector
    const start = this.#cohorts.observe(slot, verdict, sample.timestampMs)
    if (start && start.kind !== 'trusted') {
      hand.scored.warm(at, verdict, start.kind === 'trial' ? start.share : 0)
      return
    }
    if (start) verdict.confidence *= start.confidence
    else if (verdict.state === 'ok' && isDue(lastMs, sample.timestampMs)) this.#noteDue(hand, series, slot)
    this.#tell(hand, series, at, sample, slot)
  }

  #noteDue({ due, readLabels }: BatchInHand, series: number, slot: number): void {
    const { expected, lower, upper } = this.#detector.verdict
    due.push({ slot, cohort: cohortOf(readLabels(series)), expected, lower, upper })
  }

  #tell(hand: BatchInHand, series: number, at: number, sample: SampleInput, slot: number): void {
    const { verdict } = this.#detector
    if (sample.stale) this.#silence.unwatch(slot)
    else if (sample.live && !this.#silence.watches(slot)) this.#silence.watch(slot, watchedSeries(hand, series))
    // Nearly every sample is one of which there is nothing to tell: nothing is made for it, not even a function.
    const suppressedBy = isEventful(verdict)
      ? this.#tellEpisode(hand, slot, sample, () => watchedSeries(hand, series))
      : undefined
    hand.scored.write(at, verdict, suppressedBy)
  }

  /** Writes the record when there is one to write; returns the verdict of a person that holds the episode down. */
  #tellEpisode(
    { counts, record, emit }: BatchInHand,
    slot: number,
    sample: SampleInput,
    describe: () => WatchedSeries,
  ): Told['suppressedBy'] {
    const { verdict } = this.#detector
    const episode = this.#detector.episode(slot)
    const followed = this.#verdicts.follow(slot, episodeSample(sample, verdict, episode))
    const place = { offset: record.offset, timestampMs: sample.timestampMs }
    const { told, under } = this.#leftOpen.tell(this.#slots.keyOf(slot), followed, place)
    if (told.transition === 'none') return told.suppressedBy
    if (told.transition === 'opened') counts.opened++
    if (told.transition === 'opened' && told.suppressedBy) counts.suppressed++
    if (told.transition === 'resolved') counts.resolved++
    const anomaly = describeAnomaly({
      ...{ ...describe(), seriesKey: Buffer.from(this.#slots.keyOf(slot)).toString('hex'), sample, verdict, told, episode },
      ...{ model: this.#model, stateName: this.#stateName, under },
    })
    emit(anomalyRecord(anomaly, record, this.#options.anomaliesTopic))
    return told.suppressedBy
  }

  /** Episodes of an earlier detector that this one does not go on with. */
  #endLeftOpen({ batch, record, counts, emit }: BatchInHand): void {
    const isOpen = (seriesKey: string) => {
      const slot = this.#slots.find(Buffer.from(seriesKey, 'hex'), 0)
      return slot !== -1 && this.#detector.episode(slot)[episodeFields.startedAtMs]! > 0
    }
    for (const newest of this.#leftOpen.takeEnded(record.offset, isOpen)) {
      counts.resolved++
      emit(anomalyRecord(endedUnseen(newest, batch.newestMs), record, this.#options.anomaliesTopic))
    }
  }

  /** A series that is silent for too long is given up as if its source had ended it. */
  #tellSilences(hand: BatchInHand, { nowMs, sinceMs }: Sweep): void {
    const sample: SampleInput = { timestampMs: nowMs, value: Number.NaN, imputed: false, stale: true, stepMs: 0, live: true }
    const hasNews = (slot: number) =>
      this.#detector.isSilent(slot, nowMs, sinceMs) &&
      (this.#isGone(slot, nowMs) || !isOpenAndCritical(this.#detector.episode(slot)))
    for (const [slot, series] of this.#silence.seriesOf(hand.batch.source, hasNews)) {
      if (this.#isGone(slot, nowMs)) {
        this.#detector.update(slot, sample)
        this.#silence.unwatch(slot)
      } else this.#detector.tick(slot, nowMs, sinceMs)
      this.#changed.add(slot)
      if (isEventful(this.#detector.verdict)) this.#tellEpisode(hand, slot, sample, () => series)
    }
  }

  /** Forgets series that nothing has come of for too long; returns how many. */
  #forgetIdle(nowMs: number): number {
    const mostMs = this.#options.config.forget_after.ms
    const isIdle = (slot: number) => {
      const lastSampleMs = this.#detector.lastSampleMs(slot)
      const knownMs = this.#detector.knownDays(slot) * dayMs
      if (lastSampleMs === 0 || !isForgotten({ lastSampleMs, knownMs }, nowMs, mostMs)) return false
      return !this.#verdicts.has(slot) && this.#detector.episode(slot)[episodeFields.startedAtMs] === 0
    }
    const idle = [...this.#slots.used()].filter(isIdle)
    for (const slot of idle) this.#forget(slot)
    return idle.length
  }

  #forget(slot: number): void {
    const keys = [this.#verdicts, this.#cohorts, this.#silence].map((part) => part.forget(slot))
    this.#forgotten.push(this.#slots.keyOf(slot), ...keys)
    this.#changed.delete(slot)
    this.#detector.clear(slot)
    this.#slots.remove(slot)
  }

  #isGone(slot: number, nowMs: number): boolean {
    return nowMs - this.#detector.lastSampleMs(slot) > longestSilenceMs
  }

  /** -1 when there is no room for one more. */
  #slotOf(keys: Uint8Array, offset: number): number {
    const hasRoom = this.#slots.size < this.#options.config.max_series_per_partition
    return hasRoom ? this.#slots.findOrAdd(keys, offset) : this.#slots.find(keys, offset)
  }

  #adoptLevel(slot: number, startedAtMs: number): boolean {
    if (!this.#detector.adoptLevel(slot, startedAtMs)) return false
    this.#changed.add(slot)
    return true
  }
}

/** Without an open episode, before or after, there is nothing to tell. */
function isEventful({ transition, state }: Verdict): boolean {
  return transition !== 'none' || state === 'anomalous'
}

function watchedSeries({ batch, readLabels }: BatchInHand, series: number): WatchedSeries {
  return { source: batch.source, entityKey: entityText(batch.series, series), labels: readLabels(series) }
}

/** Nothing that could still be told of it but its end. */
function isOpenAndCritical(episode: Float64Array): boolean {
  return episode[episodeFields.startedAtMs]! > 0 && severityOf(episode) === 'critical'
}

/** Version of the scores and hash of the settings, so that what was scored in different ways can be told apart. */
function modelName(config: DetectorConfig): string {
  return `online-${scoresVersion}/${settingsHash(config)}`
}
