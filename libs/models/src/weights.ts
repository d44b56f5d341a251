/**
 * Weights of a model: inside its record up to 900 KB, in an artefact store beyond, and never loaded before their SHA-256 was compared.
 *
 * The hash stands in the record, apart from the weights it is of, so that a changed byte in the store is noticed, and one in the record too.
 */
import type { Model } from '@lapwing/contracts/records'
import type { TrainedModel } from '@lapwing/deep/model'
import { decodeModel, encodeModel, ModelFileError, modelDigest } from '@lapwing/deep/model-file'

/** Where weights are that are too large for a record. All reject with an ArtefactStoreError. */
export interface ArtefactStore {
  /** Keeps the bytes under their hash; resolves with their address. */
  put(sha256: string, bytes: Uint8Array): Promise<string>
  /** undefined when they are not there. */
  get(uri: string): Promise<Uint8Array | undefined>
  /** Does nothing when they are not there. */
  remove(uri: string): Promise<void>
}

/** The store cannot be asked now; what is in it is not known. */
export class ArtefactStoreError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ArtefactStoreError'
  }
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

/** Rejects with an ArtefactStoreError. */
export async function packWeights(trained: TrainedModel, store: ArtefactStore): Promise<PackedWeights> {
  const bytes = encodeModel(trained)
  const sha256 = modelDigest(bytes)
  if (bytes.length <= inlineBytesMax) {
    return { sha256, weights: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), artefactUri: '' }
  }
  return { sha256, weights: null, artefactUri: await store.put(sha256, bytes) }
}

/** Rejects with a WeightsError or an ArtefactStoreError. */
export async function readWeights(model: Model, store: ArtefactStore): Promise<TrainedModel> {
  return unpackWeights(model, model.artefactUri ? await store.get(model.artefactUri) : undefined)
}

/**
 * Throws a WeightsError.
 *
 * @param stored what is at `artefactUri`, for a model whose weights are not in its record
 */
export function unpackWeights({ modelId, sha256, weights, artefactUri }: Model, stored?: Uint8Array): TrainedModel {
  const bytes = weights ?? stored
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
