/**
 * The detector's step: a sample batch of one partition in, its score batch and the anomalies that begin or end out.
 *
 * Deterministic: time comes from the samples, chance from the configuration, and the identity of every output from its input,
 * so a replay writes the same bytes.
 */
import { createHash } from 'node:crypto'
import { decode } from '@lapwing/contracts/codec'
import { keyBytes, labelReader } from '@lapwing/contracts/series-table'
import { type SampleInput, SeriesDetector, type SeriesDetectorOptions } from '@lapwing/detection/series-detector'
import { createSeriesSlots } from '@lapwing/detection/series-slots'
import type { StatefulStep } from '@lapwing/stream/stateful-stage'
import { anomalyRecord, describeAnomaly, episodeSample } from './anomaly.ts'
import type { DetectorConfig } from './config.ts'
import { ScoredBatch } from './scored-batch.ts'
import { isFeedbackKey, type VerdictOutcome, Verdicts } from './verdicts.ts'

export interface DetectOptions {
  readonly config: DetectorConfig
  readonly scoresTopic: string
  readonly anomaliesTopic: string
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
  readonly series: number
  readonly newestMs: number
}

/** The step of one partition. */
export function createDetectStep(options: DetectOptions): StatefulStep {
  const { config } = options
  const model = modelName(config)
  const detector = new SeriesDetector(seriesDetectorOptions(config))
  const slots = createSeriesSlots()
  const changed = new Set<number>()
  const slotOf = (keys: Uint8Array, series: number) =>
    slots.size < config.max_series_per_partition ? slots.findOrAdd(keys, series * keyBytes) : slots.find(keys, series * keyBytes)
  const verdicts = new Verdicts({
    slotOf: (seriesKey) => slotOf(seriesKey, 0),
    keyOf: slots.keyOf,
    adoptLevel: (slot, startedAtMs) => {
      if (!detector.adoptLevel(slot, startedAtMs)) return false
      changed.add(slot)
      return true
    },
  })
  /** Of a series without an open episode there is nothing to tell, which is the case for nearly every sample. */
  const tell = (slot: number, sample: SampleInput) => {
    const { verdict } = detector
    if (verdict.transition === 'none' && verdict.state !== 'anomalous') return undefined
    return verdicts.follow(slot, episodeSample(sample, verdict, detector.row(slot)))
  }

  return {
    process: (record, emit) => {
      if (!record.value) return
      const batch = decode('SampleBatch', record.value)
      const scored = new ScoredBatch(batch)
      const readLabels = labelReader(batch.series)
      const counts = { notNewer: 0, overLimit: 0, opened: 0, suppressed: 0, resolved: 0 }
      scored.eachSample((series, at, sample) => {
        const slot = slotOf(batch.series.keys, series)
        if (slot === -1) {
          counts.overLimit++
          scored.drop(at)
          return
        }
        if (!detector.update(slot, sample)) {
          counts.notNewer++
          scored.skip(at)
          return
        }
        changed.add(slot)
        const { verdict } = detector
        const told = tell(slot, sample)
        scored.write(at, verdict, told?.suppressedBy)
        if (!told || told.transition === 'none') return
        if (told.transition === 'opened') counts.opened++
        if (told.transition === 'opened' && told.suppressedBy) counts.suppressed++
        if (told.transition === 'resolved') counts.resolved++
        const anomaly = describeAnomaly({
          batch,
          series,
          labels: readLabels(series),
          sample,
          verdict,
          told,
          episode: detector.row(slot),
          model,
        })
        emit(anomalyRecord(anomaly, record, options.anomaliesTopic))
      })
      emit(scored.toRecord(record, model, options.scoresTopic))
      options.observe({ ...counts, samples: scored.sampleCount, series: slots.size, newestMs: batch.newestMs })
    },
    takeChanged: function* () {
      for (const slot of changed) yield { key: slots.keyOf(slot), snapshot: detector.snapshot(slot) }
      changed.clear()
      yield* verdicts.takeChanged()
    },
    apply: (record) => options.observeVerdict(verdicts.apply(record)),
    restore: (key, snapshot) => {
      if (isFeedbackKey(key)) {
        verdicts.restore(key, snapshot)
        return
      }
      if (key.length !== keyBytes) throw new RangeError(`a series key of ${key.length} bytes`)
      detector.restore(slots.findOrAdd(key, 0), snapshot)
    },
  }
}

/** What the configuration means to the detector of a series; the same for the service and for files. */
export function seriesDetectorOptions(config: DetectorConfig): SeriesDetectorOptions {
  return {
    windowMs: config.window_minutes * 60_000,
    contamination: config.contamination,
    seed: createHash('sha256').update(modelName(config)).digest().readUInt32BE(0),
  }
}

/** Name and configuration hash, so that scores of different settings can be told apart. */
export function modelName(config: DetectorConfig): string {
  const settings = JSON.stringify([config.window_minutes, config.contamination])
  return `online-1/${createHash('sha256').update(settings).digest('hex').slice(0, 8)}`
}
