/**
 * How well scores rank labelled events, without any threshold: area under the precision-recall curve, and the volume under the range-aware
 * surface of such curves (VUS-PR), which also rewards scores that are high just before or after an event.
 *
 * For each buffer from 0 to `bufferRows`, rows around events count in part, less the farther away; recall is multiplied by the share of events
 * that are touched at all. Nothing is point-adjusted. Values compare only at the same buffer.
 *
 * Sources: Paparrizos et al., "Volume Under the Surface", VLDB 2022, with the arithmetic of TSB-AD (`RangeAUC_volume_opt`).
 */

/** First and last row of each run of anomalous rows. */
export function eventsOf(labels: Uint8Array): (readonly [first: number, last: number])[] {
  const events: (readonly [number, number])[] = []
  for (let row = 0; row < labels.length; row++) {
    if (labels[row] === 0 || (row > 0 && labels[row - 1] === 1)) continue
    const end = labels.indexOf(0, row)
    events.push([row, (end < 0 ? labels.length : end) - 1])
  }
  return events
}

/** Mean over thresholds of the precision at each new hit. Rows with equal scores count as one step. */
export function averagePrecision(scores: Float64Array, labels: Uint8Array): number {
  const order = descending(scores)
  const positives = labels.reduce((sum, label) => sum + label, 0)
  let area = 0
  let hits = 0
  let counted = 0
  for (let i = 0; i < order.length; i++) {
    hits += labels[order[i]!]!
    if (i + 1 < order.length && scores[order[i + 1]!] === scores[order[i]!]) continue
    area += ((hits - counted) / positives) * (hits / (i + 1))
    counted = hits
  }
  return area
}

/** VUS-PR, 0 to 1. Throws RangeError unless both kinds of rows occur. */
export function volumeUnderSurface(scores: Float64Array, labels: Uint8Array, bufferRows = 100, thresholds = 250): number {
  const positives = labels.reduce((sum, label) => sum + label, 0)
  if (positives === 0 || positives === labels.length) throw new RangeError('labels must have both kinds of rows')
  const order = descending(scores)
  const steps = thresholdSteps(scores, order, thresholds)
  const hits = cumulated(order, steps, Float64Array.from(labels))
  const events = eventsOf(labels)
  let volume = 0
  for (let buffer = 0; buffer <= bufferRows; buffer++) {
    const reach = Math.floor(buffer / 2)
    const partial = cumulated(order, steps, partialLabels(labels, events, buffer, reach))
    const touched = touchedShare(scores, steps, mergedEvents(events, reach))
    volume += areaUnderPrecisionRecall(steps, hits, partial, touched, positives)
  }
  return volume / (bufferRows + 1)
}

interface ThresholdStep {
  readonly threshold: number
  /** Rows with at least that score. */
  readonly predicted: number
}

function descending(scores: Float64Array): Uint32Array {
  return Uint32Array.from(scores, (_, row) => row).sort((a, b) => scores[b]! - scores[a]! || a - b)
}

/** Thresholds evenly spaced in rank. */
function thresholdSteps(scores: Float64Array, order: Uint32Array, thresholds: number): ThresholdStep[] {
  const rows = scores.length
  return Array.from({ length: thresholds }, (_, k) => {
    const threshold = scores[order[Math.floor((k * (rows - 1)) / (thresholds - 1))]!]!
    return { threshold, predicted: countAtLeast(scores, order, threshold) }
  })
}

function countAtLeast(scores: Float64Array, order: Uint32Array, threshold: number): number {
  let low = 0
  let high = order.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (scores[order[middle]!]! >= threshold) low = middle + 1
    else high = middle
  }
  return low
}

/** Sum of the weights of the predicted rows, at each threshold. */
function cumulated(order: Uint32Array, steps: readonly ThresholdStep[], weights: Float64Array): Float64Array {
  const sums = new Float64Array(order.length)
  let sum = 0
  for (let i = 0; i < order.length; i++) {
    sum += weights[order[i]!]!
    sums[i] = sum
  }
  return Float64Array.from(steps, ({ predicted }) => sums[predicted - 1]!)
}

/** What rows beside events count for; 0 inside of events, which count in full elsewhere. */
function partialLabels(
  labels: Uint8Array,
  events: readonly (readonly [number, number])[],
  buffer: number,
  reach: number,
): Float64Array {
  const weights = new Float64Array(labels.length)
  for (const [first, last] of events) {
    for (let away = 1; away <= reach; away++) {
      const weight = Math.sqrt(1 - away / buffer)
      if (last + away < labels.length) weights[last + away]! += weight
      if (first - away >= 0) weights[first - away]! += weight
    }
  }
  for (let row = 0; row < labels.length; row++) weights[row] = labels[row] === 1 ? 0 : Math.min(1, weights[row]!)
  return weights
}

function mergedEvents(events: readonly (readonly [number, number])[], reach: number): [number, number][] {
  const merged: [number, number][] = []
  for (const [first, last] of events) {
    const before = merged.at(-1)
    if (before && before[1] >= first - reach) before[1] = last + reach
    else merged.push([Math.max(0, first - reach), last + reach])
  }
  return merged
}

function touchedShare(scores: Float64Array, steps: readonly ThresholdStep[], events: readonly [number, number][]): Float64Array {
  const peaks = events.map(([first, last]) =>
    scores.subarray(first, last + 1).reduce((peak, score) => Math.max(peak, score), -Infinity),
  )
  return Float64Array.from(steps, ({ threshold }) => peaks.filter((peak) => peak >= threshold).length / peaks.length)
}

function areaUnderPrecisionRecall(
  steps: readonly ThresholdStep[],
  hits: Float64Array,
  partial: Float64Array,
  touched: Float64Array,
  positives: number,
): number {
  let area = 0
  let before = 0
  for (let k = 0; k < steps.length; k++) {
    const truePositives = hits[k]! + partial[k]!
    const recall = Math.min(1, truePositives / (positives + partial[k]! / 2)) * touched[k]!
    area += (recall - before) * (truePositives / steps[k]!.predicted)
    before = recall
  }
  return area
}
