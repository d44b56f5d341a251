/** From rows to a trained and calibrated model. A function of its input: the same rows, kind and seed give the same model on one backend. */
import { fitIsolationForest, usualIsolationForest } from '@lapwing/detection/isolation-forest'
import { fitChannelScale, type ScaledRows, scaleRows } from './channel-scale.ts'
import { type DenseShape, trainDenseAutoencoder } from './dense-autoencoder.ts'
import { trainLstmAutoencoder } from './lstm-autoencoder.ts'
import { type Member, type MemberNet, type ModelKind, type TrainedModel, windowScorer } from './model.ts'
import { fitPrincipalComponents } from './principal-components.ts'
import type { Rows } from './rows.ts'
import type { TensorFlow } from './tensorflow.ts'
import type { TrainingProgress } from './training.ts'

export interface TrainingRequest {
  readonly kind: ModelKind
  /** A name for each channel of `rows`. */
  readonly channels: readonly string[]
  readonly rows: Rows
  readonly seed: number
  /** Asked for by kinds that are networks. */
  tensorflow(): Promise<TensorFlow>
  /** From 0 to 1, never falling. */
  onProgress(share: number): void
}

/** There is too little to train on; the message says how much is needed. */
export class TooFewRowsError extends Error {
  constructor(rows: number, needed: number) {
    super(`${rows} rows are too few to train on, expected at least ${needed}`)
    this.name = 'TooFewRowsError'
  }
}

/** Throws TooFewRowsError, and TensorFlowError when the kind needs a backend that cannot be had. */
export async function trainModel(request: TrainingRequest): Promise<TrainedModel> {
  const { kind, channels, rows, seed, onProgress } = request
  const recipes = recipesOf(kind, rows.channels)
  const needed = Math.max(...recipes.map(({ windowRows, leastRows }) => leastRows ?? rowsPerWindowRow * windowRows))
  if (rows.count < needed) throw new TooFewRowsError(rows.count, needed)
  const scale = fitChannelScale(rows)
  const scaled = scaleRows(rows, scale)
  const members: Member[] = []
  const sums = new Float64Array(rows.count)
  for (const [i, recipe] of recipes.entries()) {
    const progress = (share: number) => onProgress((i + share) / recipes.length)
    const net = await recipe.train(clipped(scaled), request, (share) => progress(share * trainingShare))
    progress(trainingShare)
    const { errors, typicalError } = trainingErrors(scaled, net, recipe.windowRows)
    for (let row = recipe.windowRows - 1; row < rows.count; row++) sums[row]! += errors[row]! / typicalError / recipes.length
    members.push({ windowRows: recipe.windowRows, typicalError, net })
  }
  onProgress(1)
  const longest = Math.max(...recipes.map(({ windowRows }) => windowRows))
  const margin = Math.max(...recipes.map((recipe) => recipe.thresholdMargin ?? thresholdMargin))
  const threshold = thresholdOf(sums.subarray(longest - 1), margin)
  return { kind, channels, scale, members, threshold, trainedRows: rows.count, seed }
}

/** Training wants this many times the rows of its longest window. */
const rowsPerWindowRow = 10
/** Share of the work that is training; the rest is calibration. */
const trainingShare = 0.9
/** A window that was met exactly all the time may still be off by this many standard deviations. */
const smallestTypicalError = 0.01
/** Training rows may hold a few anomalies, so its maximum is no limit; half above what one row in a hundred exceeds is. */
const thresholdQuantile = 0.99
const thresholdMargin = 1.5
const clip = 8

interface Recipe {
  readonly windowRows: number
  /** That it wants to train on, where the length of its window does not say so. */
  readonly leastRows?: number
  /** Where errors cannot grow as those of a reconstruction do. */
  readonly thresholdMargin?: number
  train(rows: ScaledRows, request: TrainingRequest, onProgress: (share: number) => void): Promise<MemberNet>
}

function recipesOf(kind: ModelKind, channels: number): Recipe[] {
  switch (kind) {
    case 'multiscale-pca':
      return multiscaleWindows
        .filter((rows, i) => i === 0 || rows * channels <= largestEigenproblem)
        .map((rows) => principalComponents(rows))
    case 'pca':
      return [principalComponents(10)]
    case 'autoencoder':
      return [denseAutoencoder(10, { hidden: 64, latent: 16, waist: 'point' })]
    case 'vae':
      return [denseAutoencoder(10, { hidden: 64, latent: 16, waist: 'distribution' })]
    case 'lstm':
      return [lstmAutoencoder(10, 32)]
    case 'iforest':
      return [isolationForest()]
  }
}

const multiscaleWindows = [5, 10, 20]
/** Width of the largest window whose components are computed: the time grows with its cube (1,024: about 10 s). */
const largestEigenproblem = 1024
/** More lose anomalies in what is explained, fewer drown them in what is not (docs/models.md). */
const varianceShare = 0.9

function principalComponents(windowRows: number): Recipe {
  return { windowRows, train: async (rows) => ({ type: 'pca', ...fitPrincipalComponents(rows, windowRows, varianceShare) }) }
}

function denseAutoencoder(windowRows: number, shape: DenseShape): Recipe {
  return {
    windowRows,
    train: async (rows, { seed, tensorflow }, onProgress) => {
      const options = { ...denseTraining, windowRows, seed }
      const report = ({ share }: TrainingProgress) => onProgress(share)
      return { type: 'dense', layers: await trainDenseAutoencoder(await tensorflow(), rows, shape, options, report) }
    },
  }
}

function lstmAutoencoder(windowRows: number, units: number): Recipe {
  return {
    windowRows,
    train: async (rows, { seed }, onProgress) => {
      const options = { ...lstmTraining, windowRows, seed }
      const report = ({ share }: TrainingProgress) => onProgress(share)
      return { type: 'lstm', ...(await trainLstmAutoencoder(rows, units, options, report)) }
    },
  }
}

function isolationForest(): Recipe {
  return {
    windowRows: 1,
    leastRows: leastForestRows,
    thresholdMargin: 1,
    train: async ({ channels, values }, { seed }) => {
      const table = { channels, values: Float64Array.from(values) }
      return { type: 'iforest', forest: fitIsolationForest(table, { ...usualIsolationForest, seed }).toBytes() }
    },
  }
}

/** Fewer say nothing of what one in a hundred is. */
const leastForestRows = 200

const denseTraining = { epochs: 20, batchWindows: 256, windowsPerEpoch: 20_000, learningRate: 1e-3, patienceEpochs: 3 }
/** A recurrent window costs many times a dense one; fewer, with larger steps, learn as much. */
const lstmTraining = { ...denseTraining, epochs: 10, batchWindows: 64, windowsPerEpoch: 5_000, learningRate: 2e-3 }

/** Outliers are cut in training only: there they would bend the model towards themselves, in scoring they have to show in full. */
function clipped(rows: ScaledRows): ScaledRows {
  return { ...rows, values: rows.values.map((value) => Math.min(clip, Math.max(-clip, value))) }
}

function trainingErrors(rows: ScaledRows, net: MemberNet, windowRows: number): { errors: Float64Array; typicalError: number } {
  const scorer = windowScorer(net, windowRows)
  const errors = new Float64Array(rows.count)
  const channelErrors = new Float64Array(rows.channels)
  for (let row = windowRows - 1; row < rows.count; row++) {
    errors[row] = scorer.score(rows.values, (row - windowRows + 1) * rows.channels, channelErrors)
  }
  return { errors, typicalError: Math.max(smallestTypicalError, quantile(errors.subarray(windowRows - 1), 0.5)) }
}

function thresholdOf(combined: Float64Array, margin: number): number {
  return margin * Math.max(1, quantile(combined, thresholdQuantile))
}

function quantile(values: Float64Array, share: number): number {
  return values.slice().sort()[Math.floor(share * (values.length - 1))]!
}
