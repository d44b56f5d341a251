/**
 * A trained model on rows as they come: causal, one row in, one verdict out.
 *
 * Holds the last rows only. Until the longest window is full the score is 0 with confidence 0. A missing value counts as unchanged, and
 * lowers the confidence as long as it is inside the window.
 */
import { scaleRow } from './channel-scale.ts'
import { type TrainedModel, windowScorer } from './model.ts'

export interface MultivariateVerdict {
  /** 0 or more; above 1 is anomalous. */
  score: number
  /** 0 to 1: the share of values in the window that were observed. */
  confidence: number
}

export interface MultivariateDetector {
  /** Share of each channel in the error of the row that came last; they sum to 1 (all 0 in warm-up). */
  readonly contributions: Float64Array
  /** The same object each time. `row`: a value for each channel of the model, NaN where nothing was observed. */
  update(row: Float64Array): MultivariateVerdict
  /** The rows that it still needs; a detector of the same model that is restored from it goes on bit for bit. */
  snapshot(): Float64Array
  /** Before the first row. Throws a RangeError when it is no snapshot of this model. */
  restore(snapshot: Float64Array): void
}

export function createMultivariateDetector(model: TrainedModel): MultivariateDetector {
  const channels = model.channels.length
  const members = model.members.map(({ net, windowRows, typicalError }) => ({
    scorer: windowScorer(net, windowRows),
    typicalError,
  }))
  const longest = Math.max(...members.map(({ scorer }) => scorer.windowRows))
  const capacity = longest * 8
  const rows = new Float32Array(capacity * channels)
  const observed = new Float64Array(capacity)
  const errors = new Float64Array(channels)
  const contributions = new Float64Array(channels)
  const verdict: MultivariateVerdict = { score: 0, confidence: 0 }
  let filled = 0

  const append = (row: Float64Array) => {
    if (filled === capacity) {
      rows.copyWithin(0, (capacity - longest) * channels)
      observed.copyWithin(0, capacity - longest)
      filled = longest
    }
    observed[filled] = scaleRow(row, 0, model.scale, rows, filled * channels)
    filled++
  }

  const judge = () => {
    contributions.fill(0)
    let sum = 0
    for (const { scorer, typicalError } of members) {
      sum += scorer.score(rows, (filled - scorer.windowRows) * channels, errors) / typicalError
      for (let i = 0; i < channels; i++) contributions[i] = contributions[i]! + errors[i]! / typicalError
    }
    const whole = contributions.reduce((total, share) => total + share, 0)
    if (whole > 0) for (let i = 0; i < channels; i++) contributions[i] = contributions[i]! / whole
    verdict.score = sum / members.length / model.threshold
    verdict.confidence = mean(observed.subarray(filled - longest, filled))
  }

  return {
    contributions,
    update: (row) => {
      append(row)
      if (filled >= longest) judge()
      return verdict
    },
    snapshot: () => {
      const kept = Math.min(filled, longest)
      const from = filled - kept
      return Float64Array.of(...observed.subarray(from, filled), ...rows.subarray(from * channels, filled * channels))
    },
    restore: (snapshot) => {
      const kept = snapshot.length / (1 + channels)
      if (!Number.isInteger(kept) || kept > longest) throw new RangeError(`${snapshot.length} numbers are no rows of this model`)
      observed.set(snapshot.subarray(0, kept))
      rows.set(snapshot.subarray(kept))
      filled = kept
    },
  }
}

function mean(values: Float64Array): number {
  let sum = 0
  for (const value of values) sum += value
  return sum / values.length
}
