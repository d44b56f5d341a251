/** Artefacts as objects of a bucket, named by their SHA-256 under its prefix. */
import { artefactName, isArtefactName } from './artefact-name.ts'
import { BucketError, type BucketOptions, openBucket } from './object-bucket.ts'
import { type ArtefactStore, ArtefactStoreError } from './weights.ts'

export function artefactBucket(options: BucketOptions): ArtefactStore {
  const bucket = openBucket(options)
  return {
    put: async (sha256, bytes) => {
      const name = artefactName(sha256)
      await bucket.put(name, bytes, 'application/octet-stream').catch(rethrow)
      return name
    },
    get: async (uri) => (isArtefactName(uri) ? bucket.get(uri).catch(rethrow) : undefined),
    remove: async (uri) => {
      if (isArtefactName(uri)) await bucket.remove(uri).catch(rethrow)
    },
  }
}

function rethrow(error: unknown): never {
  if (!(error instanceof BucketError)) throw error
  throw Object.assign(new ArtefactStoreError(error.message, { cause: error.cause }), { code: error.code })
}
