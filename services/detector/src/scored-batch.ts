/**
 * The columns of a sample batch being turned into those of a score batch: same series, same samples, same order.
 *
 * The series table is handed through unread. Columns are allocated once per batch, nothing per sample.
 */
import { encode } from '@lapwing/contracts/codec'
import { bytesOf, ColumnError, float64View, uint8Column, uint32View } from '@lapwing/contracts/columns'
import type { SampleBatch, ScoreBatch } from '@lapwing/contracts/records'
import { reasonNames, type SeriesState, sampleFlags, seriesStates } from '@lapwing/contracts/series-state'
import { seriesCount } from '@lapwing/contracts/series-table'
import type { Verdict as HumanVerdict } from '@lapwing/detection/feedback'
import type { SampleInput } from '@lapwing/detection/sample'
import { contributionNames, toldBound, type Verdict } from '@lapwing/detection/verdict'
import type { LogRecord, OutgoingRecord } from '@lapwing/stream/log'

/** Columns of a score batch before they are bytes; all but the first as long as there are samples. */
export interface ScoredColumns extends Pick<SampleBatch, 'source' | 'kind' | 'series'> {
  readonly samplesPerSeries: Uint32Array
  readonly timestampsMs: Float64Array
  readonly values: Float64Array
  readonly scores: Float32Array
  readonly lower: Float32Array
  readonly upper: Float32Array
}

export class ScoredBatch {
  readonly sampleCount: number
  readonly #batch: SampleBatch
  readonly #samplesPerSeries: Uint32Array
  readonly #timestampsMs: Float64Array
  readonly #values: Float64Array
  readonly #flags: Uint8Array
  readonly #scores: Float32Array
  readonly #expected: Float32Array
  readonly #lower: Float32Array
  readonly #upper: Float32Array
  readonly #confidence: Float32Array
  readonly #states: Uint8Array
  readonly #stateDetails: Float64Array
  readonly #reasons: Uint8Array
  readonly #sample: SampleInput = { timestampMs: 0, value: 0, imputed: false, stale: false, stepMs: 0, live: true }

  /** Throws a ColumnError when the columns do not fit together. */
  constructor(batch: SampleBatch) {
    this.#batch = batch
    this.#samplesPerSeries = uint32View(batch.samplesPerSeries, seriesCount(batch.series))
    const count = this.#samplesPerSeries.reduce((sum, samples) => sum + samples, 0)
    this.sampleCount = count
    this.#timestampsMs = float64View(batch.timestampsMs, count)
    refuseImpossibleTimes(this.#timestampsMs)
    this.#values = float64View(batch.values, count)
    this.#flags = uint8Column(batch.flags, count)
    this.#scores = new Float32Array(count)
    this.#expected = new Float32Array(count)
    this.#lower = new Float32Array(count)
    this.#upper = new Float32Array(count)
    this.#confidence = new Float32Array(count)
    this.#states = new Uint8Array(count)
    this.#stateDetails = new Float64Array(count)
    this.#reasons = new Uint8Array(count)
  }

  eachSample(visit: (series: number, at: number, sample: SampleInput) => void): void {
    const sample = this.#sample
    sample.stepMs = this.#batch.stepMs
    sample.live = this.#batch.kind === 'live'
    for (let series = 0, at = 0; series < this.#samplesPerSeries.length; series++) {
      for (const end = at + this.#samplesPerSeries[series]!; at < end; at++) {
        const flags = this.#flags[at]!
        sample.timestampMs = this.#timestampsMs[at]!
        sample.value = this.#values[at]!
        sample.imputed = (flags & sampleFlags.imputed) !== 0
        sample.stale = (flags & sampleFlags.stale) !== 0 || !Number.isFinite(sample.value)
        visit(series, at, sample)
      }
    }
  }

  /** @param suppressedBy the verdict of a person that holds the open episode down */
  write(at: number, verdict: Verdict, suppressedBy: HumanVerdict | undefined): void {
    this.#scores[at] = verdict.score
    this.#writeBand(at, verdict)
    this.#confidence[at] = verdict.confidence
    const isSuppressed = suppressedBy !== undefined && verdict.state === 'anomalous'
    this.#states[at] = stateNumbers[isSuppressed ? 'suppressed' : verdict.state]
    this.#stateDetails[at] = isSuppressed ? (suppressedBy.untilMs ?? 0) : verdict.stateDetail
    this.#reasons[at] = strongestReason(verdict)
  }

  /** A sample of a series that starts from its cohort and says nothing yet. */
  warm(at: number, verdict: Verdict, share: number): void {
    this.#writeBand(at, verdict)
    this.#states[at] = stateNumbers.warming_from_cohort
    this.#stateDetails[at] = share
  }

  /** A sample of a series beyond the limit. */
  drop(at: number): void {
    this.#states[at] = stateNumbers.dropped
    this.skip(at)
  }

  /** A sample that was not scored: no expectation, no score. */
  skip(at: number): void {
    this.#expected[at] = this.#lower[at] = this.#upper[at] = Number.NaN
  }

  toRecord(source: LogRecord, model: string, topic: string): OutgoingRecord {
    const value = encode('ScoreBatch', this.#toBatch(source.offset, model))
    return { topic, partition: source.partition, key: source.key, value }
  }

  /** What a reader in this process needs of it. */
  columns(): ScoredColumns {
    const { source, kind, series } = this.#batch
    return {
      ...{ source, kind, series },
      samplesPerSeries: this.#samplesPerSeries,
      timestampsMs: this.#timestampsMs,
      values: this.#values,
      scores: this.#scores,
      lower: this.#lower,
      upper: this.#upper,
    }
  }

  #writeBand(at: number, verdict: Verdict): void {
    this.#expected[at] = toldBound(verdict.expected, verdict)
    this.#lower[at] = toldBound(verdict.lower, verdict)
    this.#upper[at] = toldBound(verdict.upper, verdict)
  }

  #toBatch(sourceOffset: bigint, model: string): ScoreBatch {
    const batch = this.#batch
    return {
      source: batch.source,
      kind: batch.kind,
      sourceOffset: Number(sourceOffset),
      stepMs: batch.stepMs,
      newestMs: batch.newestMs,
      model,
      series: batch.series,
      samplesPerSeries: batch.samplesPerSeries,
      timestampsMs: batch.timestampsMs,
      values: batch.values,
      flags: batch.flags,
      scores: bytesOf(this.#scores),
      expected: bytesOf(this.#expected),
      lower: bytesOf(this.#lower),
      upper: bytesOf(this.#upper),
      confidence: bytesOf(this.#confidence),
      states: bytesOf(this.#states),
      stateDetails: bytesOf(this.#stateDetails),
      reasons: bytesOf(this.#reasons),
    }
  }
}

/** A time that is no date would stop whoever writes it as one. */
function refuseImpossibleTimes(timestampsMs: Float64Array): void {
  for (const timestampMs of timestampsMs) {
    if (!(Math.abs(timestampMs) <= latestDateMs)) throw new ColumnError(`a sample has the time ${timestampMs}`)
  }
}

/** The last moment that a Date can hold. */
const latestDateMs = 8.64e15

const stateNumbers = Object.fromEntries(seriesStates.map((state, number) => [state, number])) as Record<SeriesState, number>
const noReason = reasonNames.indexOf('none')
const reasonNumbers = contributionNames.map((name) => reasonNames.indexOf(name))

function strongestReason({ score, contributions }: Verdict): number {
  if (score <= 1) return noReason
  let strongest = 0
  for (let i = 1; i < contributions.length; i++) if (contributions[i]! > contributions[strongest]!) strongest = i
  return reasonNumbers[strongest]!
}
