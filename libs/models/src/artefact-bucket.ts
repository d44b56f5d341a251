/**
 * Artefacts as objects of a bucket that speaks the API of Amazon S3 (MinIO, Ceph and others), named by their SHA-256 under a prefix.
 *
 * Three requests are all that is needed, so the client is one that only signs (aws4fetch). Buckets are addressed by path, which all of them
 * understand. What is busy or does not answer is asked again some times, with growing pauses.
 */
import { AwsClient } from 'aws4fetch'
import { artefactName, isArtefactName } from './artefact-name.ts'
import { type ArtefactStore, ArtefactStoreError } from './weights.ts'

export interface BucketOptions {
  /** Such as https://s3.eu-central-1.amazonaws.com, without a trailing slash. */
  readonly endpoint: string
  readonly bucket: string
  /** Before the name of each object; empty, or with a slash at its end. */
  readonly prefix: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

const requestTimeoutMs = 20_000
/** The last pause is about 1.6 s at most. */
const retries = 5

export function artefactBucket(options: BucketOptions): ArtefactStore {
  const { endpoint, bucket, prefix, region, accessKeyId, secretAccessKey } = options
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries })
  const request = async (method: 'GET' | 'PUT' | 'DELETE', name: string, body?: Uint8Array): Promise<Response> => {
    const path = `${bucket}/${prefix}${name}`.split('/').map(encodeURIComponent).join('/')
    try {
      const signal = AbortSignal.timeout(requestTimeoutMs)
      return await client.fetch(`${endpoint}/${path}`, { method, signal, ...(body && { body: Buffer.from(body) }) })
    } catch (error) {
      const { message, cause } = error as Error
      throw new ArtefactStoreError(`${endpoint} does not answer: ${(cause as Error | undefined)?.message ?? message}`, {
        cause: error,
      })
    }
  }
  return {
    put: async (sha256, bytes) => {
      const name = artefactName(sha256)
      const response = await request('PUT', name, bytes)
      if (!response.ok) throw await refusal(response, options)
      await response.arrayBuffer()
      return name
    },
    get: async (uri) => {
      if (!isArtefactName(uri)) return undefined
      const response = await request('GET', uri)
      if (response.ok) return new Uint8Array(await response.arrayBuffer())
      const error = await refusal(response, options)
      if (response.status === 404 && error.code === 'NoSuchKey') return undefined
      throw error
    },
    remove: async (uri) => {
      if (!isArtefactName(uri)) return
      const response = await request('DELETE', uri)
      if (!response.ok) throw await refusal(response, options)
      await response.arrayBuffer()
    },
  }
}

/** The service says why in XML, one element of which is a code. */
async function refusal(response: Response, { endpoint, bucket }: BucketOptions): Promise<ArtefactStoreError & { code: string }> {
  const code = /<Code>([A-Za-z]+)<\/Code>/.exec((await response.text()).slice(0, 4096))?.[1] ?? ''
  const error = new ArtefactStoreError(`${endpoint}, bucket ${bucket}: HTTP ${response.status}${code && ` ${code}`}`)
  return Object.assign(error, { code })
}
