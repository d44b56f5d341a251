/**
 * The drift step: score batches of one partition in, requests for retraining out.
 *
 * Each series has a drift detector (ADWIN by default) over its scores: while the model still fits the series, scores stay where
 * they are; when they change, it no longer describes the data. A request names the series, what changed and who noticed. For a while
 * after it, in event time, the series asks for nothing more.
 *
 * Scores are capped before the detector sees them: one freak is an anomaly, not drift. Samples that were not scored (warm-up, repeats,
 * filled gaps) are left out.
 *
 * Deterministic: time comes from the samples; the identity of a request from series and sample.
 */
import { createHash } from 'node:crypto'
import { decode, encode } from '@lapwing/contracts/codec'
import { bytesOf, float32Column, float64Column, uint8Column, uint32Column } from '@lapwing/contracts/columns'
import type { Control, ScoreBatch } from '@lapwing/contracts/records'
import { type LabelSet, seriesText } from '@lapwing/contracts/series'
import { sampleFlags, seriesStates } from '@lapwing/contracts/series-state'
import { keyBytes, keyText, labelReader, seriesCount } from '@lapwing/contracts/series-table'
import {
  createDriftDetector,
  type DriftChange,
  type DriftDetector,
  type DriftDetectorOptions,
} from '@lapwing/detection/drift-detector'
import { createSeriesSlots } from '@lapwing/detection/series-slots'
import type { OutgoingRecord } from '@lapwing/stream/log'
import type { StatefulStep } from '@lapwing/stream/stateful-stage'

export interface DriftOptions extends DriftDetectorOptions {
  readonly enabled: boolean
  readonly cooldownMs: number
  /** Series a partition watches; scores of further ones are counted and left out. */
  readonly maxSeries: number
  readonly controlTopic: string
  observe(observation: DriftObservation): void
}

/** One batch. */
export interface DriftObservation {
  readonly scores: number
  /** Scores of series beyond the limit. */
  readonly overLimit: number
  readonly requests: number
  readonly series: number
}

/** Layout of a series' state. */
export const driftStateVersion = 1

/** The step of one partition. */
export function createDriftStep(options: DriftOptions): StatefulStep {
  const slots = createSeriesSlots()
  const watches: SeriesWatch[] = []
  const changed = new Set<number>()
  const slotOf = (keys: Uint8Array, series: number) =>
    slots.size < options.maxSeries ? slots.findOrAdd(keys, series * keyBytes) : slots.find(keys, series * keyBytes)
  return {
    process: (record, emit) => {
      if (!options.enabled || !record.value) return
      const batch = decode('ScoreBatch', record.value)
      const readLabels = labelReader(batch.series)
      let requests = 0
      let overLimit = 0
      const scores = eachScore(batch, (series, timestampMs, score) => {
        const slot = slotOf(batch.series.keys, series)
        if (slot === -1) {
          overLimit++
          return
        }
        watches[slot] ??= { detector: createDriftDetector(options), quietUntilMs: 0 }
        changed.add(slot)
        const change = changeOf(watches[slot], timestampMs, score, options.cooldownMs)
        if (!change) return
        requests++
        emit(requestRecord(keyText(batch.series, series), readLabels(series), timestampMs, change, options, record.partition))
      })
      options.observe({ scores: scores - overLimit, overLimit, requests, series: slots.size })
    },
    takeChanged: function* () {
      for (const slot of changed) yield { key: slots.keyOf(slot), snapshot: encodeWatch(watches[slot]!) }
      changed.clear()
    },
    restore: (key, snapshot) => {
      if (key.length !== keyBytes) throw new RangeError(`a series key of ${key.length} bytes`)
      watches[slots.findOrAdd(key, 0)] = decodeWatch(snapshot, options)
    },
  }
}

interface SeriesWatch {
  readonly detector: DriftDetector
  quietUntilMs: number
}

/** The time until which it is quiet, then what the detector knows. */
function encodeWatch({ quietUntilMs, detector }: SeriesWatch): Uint8Array {
  return bytesOf(Float64Array.of(quietUntilMs, ...detector.snapshot()))
}

/** Throws a RangeError when the bytes are no such state. */
function decodeWatch(snapshot: Uint8Array, options: DriftDetectorOptions): SeriesWatch {
  if (snapshot.length % 8 !== 0 || snapshot.length === 0) throw new RangeError(`a drift state of ${snapshot.length} bytes`)
  const numbers = float64Column(snapshot)
  return { quietUntilMs: numbers[0]!, detector: createDriftDetector(options, numbers.subarray(1)) }
}

/** Larger scores count as this. */
const largestScore = 3

function changeOf(watch: SeriesWatch, timestampMs: number, score: number, cooldownMs: number): DriftChange | undefined {
  const level = watch.detector.update(Math.min(score, largestScore))
  if (level !== 'drift' || timestampMs < watch.quietUntilMs) return undefined
  watch.quietUntilMs = timestampMs + cooldownMs
  return watch.detector.change()
}

/** Visits the samples that were scored; returns their number. Throws a ColumnError when the columns do not fit together. */
function eachScore(batch: ScoreBatch, visit: (series: number, timestampMs: number, score: number) => void): number {
  const samplesPerSeries = uint32Column(batch.samplesPerSeries, seriesCount(batch.series))
  const count = samplesPerSeries.reduce((sum, samples) => sum + samples, 0)
  const timestampsMs = float64Column(batch.timestampsMs, count)
  const scores = float32Column(batch.scores, count)
  const expected = float32Column(batch.expected, count)
  const states = uint8Column(batch.states, count)
  const flags = uint8Column(batch.flags, count)
  let visited = 0
  for (let series = 0, at = 0; series < samplesPerSeries.length; series++) {
    for (const end = at + samplesPerSeries[series]!; at < end; at++) {
      if (flags[at]! & (sampleFlags.imputed | sampleFlags.stale) || warming.has(states[at]!) || Number.isNaN(expected[at]!))
        continue
      visit(series, timestampsMs[at]!, scores[at]!)
      visited++
    }
  }
  return visited
}

const warming: ReadonlySet<number> = new Set([seriesStates.indexOf('warming'), seriesStates.indexOf('warming_from_cohort')])

function requestRecord(
  seriesKey: string,
  labels: LabelSet,
  timestampMs: number,
  { watched, before, after, threshold }: DriftChange,
  { controlTopic, detector }: DriftOptions,
  partition: number,
): OutgoingRecord {
  const scope = `series:${seriesKey}`
  const control: Control = {
    id: createHash('sha256').update(`${scope}/retrain/${timestampMs}`).digest('hex').slice(0, 32),
    kind: 'retrain',
    scope,
    reason: `${watched} of ${seriesText(labels)} went from ${before.toFixed(2)} to ${after.toFixed(2)}`,
    detector,
    statistic: Math.abs(after - before),
    threshold,
    seriesKey,
    labels,
    requestedBy: 'drift',
    requestedAtMs: timestampMs,
  }
  return { topic: controlTopic, partition, key: Buffer.from(scope), value: encode('Control', control) }
}
