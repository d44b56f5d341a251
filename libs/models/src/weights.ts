/**
 * Weights of a model: inside its record up to 900 KB, in an artefact store beyond, and never loaded before their SHA-256 was compared.
 *
 * The hash stands in the record, apart from the weights it is of, so that a changed byte in the store is noticed, and one in the record too.
 */
import type { Model } from '@lapwing/contracts/records'
import type { TrainedModel } from '@lapwing/deep/model'
import { decodeModel, encodeModel, ModelFileError, modelDigest } from '@lapwing/deep/model-file'

/** Where weights are that are too large for a record. Synchronous, because a model takes effect between two batches. */
export interface ArtefactStore {
  /** Keeps the bytes under their hash; returns their address. */
  put(sha256: string, bytes: Uint8Array): string
  /** undefined when they are not there. */
  get(uri: string): Uint8Array | undefined
}

/** Below the broker's usual limit of 1 MB for a record, with room for the rest of it. */
export const inlineBytesMax = 900 * 1024

/** Why weights are not used: bounded, so it can be a metric's label. */
export type WeightsRefusal = 'absent' | 'changed' | 'malformed'

export class WeightsError extends Error {
  readonly reason: WeightsRefusal
  constructor(reason: WeightsRefusal, message: string) {
    super(message)
    this.name = 'WeightsError'
    this.reason = reason
  }
}

export type PackedWeights = Pick<Model, 'sha256' | 'weights' | 'artefactUri'>

export function packWeights(trained: TrainedModel, store: ArtefactStore): PackedWeights {
  const bytes = encodeModel(trained)
  const sha256 = modelDigest(bytes)
  if (bytes.length <= inlineBytesMax) {
    return { sha256, weights: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), artefactUri: '' }
  }
  return { sha256, weights: null, artefactUri: store.put(sha256, bytes) }
}

/** Throws a WeightsError. */
export function unpackWeights({ modelId, sha256, weights, artefactUri }: Model, store: ArtefactStore): TrainedModel {
  const bytes = weights ?? (artefactUri ? store.get(artefactUri) : undefined)
  if (!bytes) throw new WeightsError('absent', `${modelId}: no weights in the record, and none at "${artefactUri}"`)
  if (modelDigest(bytes) !== sha256)
    throw new WeightsError('changed', `${modelId}: the weights are not those that were registered`)
  try {
    return decodeModel(bytes)
  } catch (error) {
    if (error instanceof ModelFileError) throw new WeightsError('malformed', `${modelId}: ${error.message}`)
    throw error
  }
}
