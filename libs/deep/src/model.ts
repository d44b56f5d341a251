/**
 * A trained batch model as plain data, and what it makes of a window.
 *
 * A model has one member or several, each with windows of its own length; the error of a member is divided by its median in training, so that
 * members can be averaged, and the mean by a threshold from training, so that above 1 means anomalous.
 */
import { readIsolationForest } from '@lapwing/detection/isolation-forest'
import type { ChannelScale } from './channel-scale.ts'
import { type DenseLayer, denseReconstructor } from './dense-net.ts'
import { type LstmWeights, lstmReconstructor } from './lstm-net.ts'
import { type PrincipalComponents, principalComponentsReconstructor } from './principal-components.ts'
import { type Reconstructor, windowError } from './reconstruction.ts'

export const modelKinds = ['multiscale-pca', 'pca', 'autoencoder', 'vae', 'lstm', 'iforest'] as const
export type ModelKind = (typeof modelKinds)[number]

/** What the product uses when nobody names a model: the best on SMD, and the fastest to train (docs/models.md). */
export const defaultModelKind: ModelKind = 'multiscale-pca'

/** Whether training it takes TensorFlow; scoring never does. */
export function needsTensorFlow(kind: ModelKind): boolean {
  return kind === 'autoencoder' || kind === 'vae'
}

export type MemberNet =
  | ({ readonly type: 'pca' } & PrincipalComponents)
  | { readonly type: 'dense'; readonly layers: readonly DenseLayer[] }
  | ({ readonly type: 'lstm' } & LstmWeights)
  /** As `toBytes` of an isolation forest; its score stands for the error. */
  | { readonly type: 'iforest'; readonly forest: Uint8Array }

export interface Member {
  readonly windowRows: number
  /** Median error over the training windows, above zero. */
  readonly typicalError: number
  readonly net: MemberNet
}

export interface TrainedModel {
  readonly kind: ModelKind
  readonly channels: readonly string[]
  readonly scale: ChannelScale
  readonly members: readonly Member[]
  /** Mean of the members' errors in units of their typical ones above which a window is anomalous. */
  readonly threshold: number
  readonly trainedRows: number
  readonly seed: number
}

export interface WindowScorer {
  readonly windowRows: number
  /** Error of the window that starts at `at`; writes those of its channels, whose mean it is, to `errors`. */
  score(rows: Float32Array, at: number, errors: Float64Array): number
}

export function windowScorer(net: MemberNet, windowRows: number): WindowScorer {
  if (net.type === 'iforest') return forestScorer(net.forest)
  const reconstructor = reconstructorOf(net)
  const { width } = reconstructor
  const rebuilt = new Float32Array(width)
  return {
    windowRows,
    score: (rows, at, errors) => {
      const window = rows.subarray(at, at + width)
      reconstructor.reconstruct(window, 1, rebuilt)
      return windowError(window, rebuilt, 0, width, errors)
    },
  }
}

/** A forest judges a row by itself. Its shares, which sum to 1, become errors whose mean is the score. */
function forestScorer(bytes: Uint8Array): WindowScorer {
  const forest = readIsolationForest(bytes)
  const { channels } = forest
  const row = new Float64Array(channels)
  return {
    windowRows: 1,
    score: (rows, at, errors) => {
      for (let i = 0; i < channels; i++) row[i] = rows[at + i]!
      const score = forest.score(row, errors)
      for (let i = 0; i < channels; i++) errors[i]! *= score * channels
      return score
    },
  }
}

function reconstructorOf(net: Exclude<MemberNet, { type: 'iforest' }>): Reconstructor {
  switch (net.type) {
    case 'pca':
      return principalComponentsReconstructor(net)
    case 'dense':
      return denseReconstructor(net.layers)
    case 'lstm':
      return lstmReconstructor(net)
  }
}
