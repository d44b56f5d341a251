/** What the detector said of every live sample, series by series, as columns. */
import { type LabelSet, seriesText } from '@lapwing/contracts/series'
import { keyBytes, keyText, labelReader } from '@lapwing/contracts/series-table'
import { createSeriesSlots } from '@lapwing/detection/series-slots'
import type { DetectOptions } from '@lapwing/detector/detect'

/** A batch of scores as the step hands it over. */
type Scores = Parameters<NonNullable<DetectOptions['onScores']>>[0]

/** Columns of equal length; the first `length` elements count. */
export interface ScoreTrace {
  /** 32 hexadecimal digits. */
  readonly seriesKey: string
  readonly labels: LabelSet
  /** As Prometheus writes it. */
  readonly text: string
  readonly source: string
  length: number
  /** Milliseconds since the epoch. */
  timestampsMs: Float64Array
  values: Float32Array
  scores: Float32Array
  lower: Float32Array
  upper: Float32Array
}

export class ScoreTraces {
  readonly traces: ScoreTrace[] = []
  readonly #slots = createSeriesSlots()

  /** Warm-up is left out. */
  add(batch: Scores): void {
    if (batch.kind !== 'live') return
    const { samplesPerSeries, timestampsMs, values, scores, lower, upper } = batch
    for (let series = 0, at = 0; series < samplesPerSeries.length; series++) {
      const trace = this.#traceOf(batch, series)
      for (const end = at + samplesPerSeries[series]!; at < end; at++) {
        if (trace.length === trace.timestampsMs.length) grow(trace)
        trace.timestampsMs[trace.length] = timestampsMs[at]!
        trace.values[trace.length] = values[at]!
        trace.scores[trace.length] = scores[at]!
        trace.lower[trace.length] = lower[at]!
        trace.upper[trace.length] = upper[at]!
        trace.length++
      }
    }
  }

  #traceOf(batch: Scores, series: number): ScoreTrace {
    const slot = this.#slots.findOrAdd(batch.series.keys, series * keyBytes)
    const known = this.traces[slot]
    if (known) return known
    const labels = labelReader(batch.series)(series)
    const trace: ScoreTrace = {
      seriesKey: keyText(batch.series, series),
      labels,
      text: seriesText(labels),
      source: batch.source,
      length: 0,
      timestampsMs: new Float64Array(firstLength),
      values: new Float32Array(firstLength),
      scores: new Float32Array(firstLength),
      lower: new Float32Array(firstLength),
      upper: new Float32Array(firstLength),
    }
    this.traces[slot] = trace
    return trace
  }
}

const firstLength = 1024

function grow(trace: ScoreTrace): void {
  const length = 2 * trace.length
  const timestampsMs = new Float64Array(length)
  timestampsMs.set(trace.timestampsMs)
  trace.timestampsMs = timestampsMs
  for (const name of ['values', 'scores', 'lower', 'upper'] as const) {
    const column = new Float32Array(length)
    column.set(trace[name])
    trace[name] = column
  }
}
