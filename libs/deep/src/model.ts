/**
 * A trained batch model as plain data, and what it makes of a window.
 *
 * A model has one member or several, each with windows of its own length; the error of a member is divided by its median in training, so that
 * members can be averaged, and the mean by a threshold from training, so that above 1 means anomalous.
 */
import type { ChannelScale } from './channel-scale.ts'
import { type DenseLayer, denseReconstructor } from './dense-net.ts'
import { type LstmWeights, lstmReconstructor } from './lstm-net.ts'
import { type PrincipalComponents, principalComponentsReconstructor } from './principal-components.ts'
import { type Reconstructor, windowError } from './reconstruction.ts'

export const modelKinds = ['multiscale-pca', 'pca', 'autoencoder', 'vae', 'lstm'] as const
export type ModelKind = (typeof modelKinds)[number]

/** What the product uses when nobody names a model: the best on SMD, and the fastest to train (docs/models.md). */
export const defaultModelKind: ModelKind = 'multiscale-pca'

export type MemberNet =
  | ({ readonly type: 'pca' } & PrincipalComponents)
  | { readonly type: 'dense'; readonly layers: readonly DenseLayer[] }
  | ({ readonly type: 'lstm' } & LstmWeights)

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

function reconstructorOf(net: MemberNet): Reconstructor {
  switch (net.type) {
    case 'pca':
      return principalComponentsReconstructor(net)
    case 'dense':
      return denseReconstructor(net.layers)
    case 'lstm':
      return lstmReconstructor(net)
  }
}
