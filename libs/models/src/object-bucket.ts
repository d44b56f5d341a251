/**
 * A bucket that speaks the API of Amazon S3 (MinIO, Ceph and others), with its objects under a prefix.
 *
 * Three requests are all that is needed, so the client is one that only signs (aws4fetch). Buckets are addressed by path, which all of them
 * understand. What is busy or does not answer is asked again some times, with growing pauses.
 */
import { AwsClient } from 'aws4fetch'

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

/** Each rejects with a BucketError. */
export interface ObjectBucket {
  put(name: string, bytes: Uint8Array, contentType: string): Promise<void>
  /** Undefined when there is no such object. */
  get(name: string): Promise<Uint8Array | undefined>
  remove(name: string): Promise<void>
}

/** Names endpoint and bucket, and no secret. */
export class BucketError extends Error {
  /** Of the service; empty when it did not answer. */
  readonly code: string
  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BucketError'
    this.code = code
  }
}

const requestTimeoutMs = 20_000
/** The last pause is about 1.6 s at most. */
const retries = 5

export function openBucket(options: BucketOptions): ObjectBucket {
  const { endpoint, bucket, prefix, region, accessKeyId, secretAccessKey } = options
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries })
  const request = async (method: 'GET' | 'PUT' | 'DELETE', name: string, content?: object): Promise<Response> => {
    const path = `${bucket}/${prefix}${name}`.split('/').map(encodeURIComponent).join('/')
    try {
      const signal = AbortSignal.timeout(requestTimeoutMs)
      return await client.fetch(`${endpoint}/${path}`, { method, signal, ...content })
    } catch (error) {
      const { message, cause } = error as Error
      const why = (cause as Error | undefined)?.message ?? message
      throw new BucketError(`${endpoint} does not answer: ${why}`, '', { cause: error })
    }
  }
  return {
    put: async (name, bytes, contentType) => {
      const response = await request('PUT', name, { body: Buffer.from(bytes), headers: { 'content-type': contentType } })
      if (!response.ok) throw await refusal(response, options)
      await response.arrayBuffer()
    },
    get: async (name) => {
      const response = await request('GET', name)
      if (response.ok) return new Uint8Array(await response.arrayBuffer())
      const error = await refusal(response, options)
      if (response.status === 404 && error.code === 'NoSuchKey') return undefined
      throw error
    },
    remove: async (name) => {
      const response = await request('DELETE', name)
      if (!response.ok) throw await refusal(response, options)
      await response.arrayBuffer()
    },
  }
}

/** The service says why in XML, one element of which is a code. */
async function refusal(response: Response, { endpoint, bucket }: BucketOptions): Promise<BucketError> {
  const code = /<Code>([A-Za-z]+)<\/Code>/.exec((await response.text()).slice(0, 4096))?.[1] ?? ''
  return new BucketError(`${endpoint}, bucket ${bucket}: HTTP ${response.status}${code && ` ${code}`}`, code)
}
