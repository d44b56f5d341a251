/**
 * Whether a candidate may replace the model in force: both score the same rows, that neither was trained on, and are compared in
 * precision at equal recall.
 *
 * The rows: the oldest of the history (what was normal before) and the newest (what is said to be normal now). What is anomalous in them is
 * known from injected faults, from incidents that people confirmed, and from movement: a channel whose mean over the newest stretch lies where that
 * of no earlier stretch lay has not settled, and a model that calls that normal has learned a fault. So a step that has settled is taken
 * over, a season is no movement, and a slow ramp is not learned. Blind to a ramp slower than `movingDeviations` a stretch.
 *
 * Pure and seeded. Scores of a network depend on the rounding of its backend, so numbers close to a bound may fall either way.
 */
import type { TrainedModel } from '@lapwing/deep/model'
import { createMultivariateDetector } from '@lapwing/deep/multivariate-detector'
import type { Rows } from '@lapwing/deep/rows'
import { injectFaults, notJudged, type Truth } from './injected-faults.ts'

/** Rows of the entity that were held back from training. */
export interface HeldBack {
  readonly rows: Rows
  /** 1 where a person confirmed an incident. */
  readonly incidents: Uint8Array
}

export interface ValidationInput {
  readonly candidate: TrainedModel
  readonly inForce: TrainedModel | undefined
  /** Names of the columns of all rows. */
  readonly channels: readonly string[]
  readonly oldest: HeldBack
  readonly newest: HeldBack
  /** Of all stretches before `newest` that are as long. */
  readonly usual: MeanSpans
  readonly seed: number
}

/** Where the mean of each column over a stretch of rows has been; NaN where nothing was observed. */
export interface MeanSpans {
  readonly lowest: Float64Array
  readonly highest: Float64Array
}

export interface ModelNumbers {
  /** Share of the anomalous stretches with a row above 1. */
  readonly recall: number
  /** Share of the normal rows above 1. */
  readonly falseShare: number
  /** Share of anomalous rows among those above the threshold at which `equalRecall` is reached. */
  readonly precision: number
}

export interface Validation {
  readonly isAccepted: boolean
  /** With the numbers, for a person. */
  readonly decision: string
  /** Recall at which precision is compared. */
  readonly equalRecall: number
  readonly candidate: ModelNumbers
  readonly inForce: ModelNumbers | undefined
  /** Names of channels that still move. */
  readonly moving: readonly string[]
  readonly faults: number
}

export function validateCandidate(input: ValidationInput): Validation {
  const { candidate, inForce, channels } = input
  const moving = movingChannels(input)
  // Without a model in force there is nothing that could get worse.
  const judged = judgedRows(input, inForce !== undefined && moving.length > 0)
  const scored = (model: TrainedModel) => judged.map(({ rows, truth }) => ({ scores: scoresOf(model, channels, rows), truth }))
  const candidateRows = scored(candidate)
  const inForceRows = inForce && scored(inForce)
  const equalRecall = Math.max(leastRecall, inForceRows ? recallAt(inForceRows, 1) : 0)
  const numbers = (rows: readonly ScoredRows[]): ModelNumbers => ({
    recall: recallAt(rows, 1),
    falseShare: falseShareAt(rows, 1),
    precision: precisionAt(rows, equalRecall),
  })
  const measured = { candidate: numbers(candidateRows), inForce: inForceRows && numbers(inForceRows), equalRecall, moving }
  return { ...measured, faults: peaksOf(candidateRows).length, ...decide(measured) }
}

/** Below this a comparison says nothing: both would be judged on the easiest faults only. */
const leastRecall = 0.5
const precisionTolerance = 0.02
const recallTolerance = 0.1
/** Of normal rows; without a model in force, or where that does better. */
const largestFalseShare = 0.05
/** Copies of the rows, each with other faults. */
const passes = 8
/** Rows that fill the longest window. */
const calmRows = 20
const movingDeviations = 0.5
/** Rows of a stretch of movement that count as one anomaly. */
const movementRows = 10

function decide({
  candidate,
  inForce,
  equalRecall,
  moving,
}: Omit<Validation, 'isAccepted' | 'decision' | 'faults'>): Pick<Validation, 'isAccepted' | 'decision'> {
  const at = `at recall ${equalRecall.toFixed(2)}`
  const numbers = inForce
    ? `precision ${candidate.precision.toFixed(2)} ${at}, the model in force ${inForce.precision.toFixed(2)}; finds ${share(candidate.recall)} of the faults (in force ${share(inForce.recall)}), calls ${share(candidate.falseShare)} of the normal rows anomalous (${share(inForce.falseShare)})`
    : `precision ${candidate.precision.toFixed(2)} ${at}; finds ${share(candidate.recall)} of the faults, calls ${share(candidate.falseShare)} of the normal rows anomalous`
  const still = moving.length > 0 ? `; still moving: ${moving.slice(0, 3).join(', ')}${moving.length > 3 ? ' …' : ''}` : ''
  const refuse = (why: string) => ({ isAccepted: false, decision: `${why}: ${numbers}${still}` })
  if (inForce && candidate.precision < inForce.precision - precisionTolerance) return refuse('less precise')
  // What calls everything anomalous finds everything.
  const isFair = inForce && inForce.falseShare <= largestFalseShare
  if (isFair && candidate.recall < inForce.recall - recallTolerance) return refuse('finds less')
  if (!inForce && candidate.recall < leastRecall) return refuse('finds too little')
  if (candidate.falseShare > Math.max(largestFalseShare, inForce?.falseShare ?? 0)) return refuse('too many false alarms')
  return { isAccepted: true, decision: `${numbers}${still}` }
}

function share(value: number): string {
  return `${(100 * value).toFixed(value < 0.1 ? 1 : 0)} %`
}

/** Channels whose newest mean lies where none lay before, in deviations of what was normal until now. */
function movingChannels({ candidate, inForce, channels, newest, usual }: ValidationInput): string[] {
  const { channels: names, scale } = inForce ?? candidate
  const { lowest: means } = meanSpans(newest.rows, newest.rows.count)
  return names.filter((name, i) => {
    const column = channels.indexOf(name)
    const outside = Math.max(usual.lowest[column]! - means[column]!, means[column]! - usual.highest[column]!)
    return outside > movingDeviations * scale.deviations[i]!
  })
}

/** Over every stretch of so many rows. */
export function meanSpans({ channels, count, values }: Rows, stretchRows: number): MeanSpans {
  const lowest = new Float64Array(channels).fill(Number.NaN)
  const highest = new Float64Array(channels).fill(Number.NaN)
  for (let channel = 0; channel < channels; channel++) {
    let sum = 0
    let observed = 0
    const include = (row: number, sign: number) => {
      const value = values[row * channels + channel]!
      if (!Number.isFinite(value)) return
      sum += sign * value
      observed += sign
    }
    for (let row = 0; row < count; row++) {
      include(row, 1)
      if (row >= stretchRows) include(row - stretchRows, -1)
      if (row < stretchRows - 1 || observed === 0) continue
      const mean = sum / observed
      if (!(mean >= lowest[channel]!)) lowest[channel] = mean
      if (!(mean <= highest[channel]!)) highest[channel] = mean
    }
  }
  return { lowest, highest }
}

interface JudgedRows {
  readonly rows: Rows
  readonly truth: Truth
}

function judgedRows({ candidate, inForce, channels, oldest, newest, seed }: ValidationInput, isMoving: boolean): JudgedRows[] {
  const deviations = deviationsOf(channels, inForce ?? candidate, candidate)
  const judged: JudgedRows[] = []
  let fault = 1
  for (let pass = 0; pass < passes; pass++) {
    for (const [i, part] of [oldest, newest].entries()) {
      if (part === newest && isMoving) continue
      const faulty = injectFaults(part.rows, deviations, calmRows, seed + 2 * pass + i, fault)
      markIncidents(faulty.truth, part.incidents, (pass + 1) * incidentBase + i * (incidentBase / 2))
      judged.push(faulty)
      fault = Math.max(fault, ...faulty.truth.filter((number) => number < incidentBase)) + 1
    }
  }
  if (isMoving) judged.push({ rows: newest.rows, truth: movementOf(newest.rows.count) })
  return judged
}

/** Numbers of incidents and of movement, apart from those of faults. */
const incidentBase = 1 << 20

function markIncidents(truth: Truth, incidents: Uint8Array, firstNumber: number): void {
  for (let row = 0, number = firstNumber; row < truth.length; row++) {
    if (incidents[row] === 1) truth[row] = number
    else if (row > 0 && incidents[row - 1] === 1) number++
  }
}

function movementOf(count: number): Truth {
  const numbered = (row: number) => incidentBase * (passes + 2) + Math.floor(row / movementRows)
  return Int32Array.from({ length: count }, (_, row) => (row < calmRows ? notJudged : numbered(row)))
}

function deviationsOf(channels: readonly string[], ...models: readonly TrainedModel[]): Float64Array {
  return Float64Array.from(channels, (channel) => {
    for (const { channels: names, scale } of models) {
      const i = names.indexOf(channel)
      if (i !== -1) return scale.deviations[i]!
    }
    return 1
  })
}

/** A channel that a model does not know is left out; one that is missing counts as unchanged. */
function scoresOf(model: TrainedModel, channels: readonly string[], { channels: width, count, values }: Rows): Float64Array {
  const detector = createMultivariateDetector(model)
  const columns = model.channels.map((name) => channels.indexOf(name))
  const row = new Float64Array(columns.length)
  const scores = new Float64Array(count)
  for (let r = 0; r < count; r++) {
    for (let i = 0; i < columns.length; i++) row[i] = columns[i] === -1 ? Number.NaN : values[r * width + columns[i]!]!
    scores[r] = detector.update(row).score
  }
  return scores
}

interface ScoredRows {
  readonly scores: Float64Array
  readonly truth: Truth
}

/** Highest score of each anomaly. */
function peaksOf(all: readonly ScoredRows[]): number[] {
  const peaks = new Map<number, number>()
  for (const { scores, truth } of all) {
    for (let row = 0; row < truth.length; row++) {
      const number = truth[row]!
      if (number > 0) peaks.set(number, Math.max(peaks.get(number) ?? 0, scores[row]!))
    }
  }
  return [...peaks.values()]
}

function recallAt(all: readonly ScoredRows[], threshold: number): number {
  const peaks = peaksOf(all)
  return peaks.length === 0 ? 0 : peaks.filter((peak) => peak > threshold).length / peaks.length
}

function falseShareAt(all: readonly ScoredRows[], threshold: number): number {
  let normal = 0
  let above = 0
  for (const { scores, truth } of all) {
    for (let row = 0; row < truth.length; row++) {
      if (truth[row] !== 0) continue
      normal++
      if (scores[row]! > threshold) above++
    }
  }
  return normal === 0 ? 0 : above / normal
}

function precisionAt(all: readonly ScoredRows[], recall: number): number {
  const peaks = peaksOf(all).sort((a, b) => b - a)
  if (peaks.length === 0) return 0
  const threshold = peaks[Math.max(0, Math.ceil(recall * peaks.length) - 1)]!
  let hits = 0
  let flagged = 0
  for (const { scores, truth } of all) {
    for (let row = 0; row < truth.length; row++) {
      if (truth[row] === notJudged || scores[row]! < threshold) continue
      flagged++
      if (truth[row]! > 0) hits++
    }
  }
  return flagged === 0 ? 0 : hits / flagged
}
