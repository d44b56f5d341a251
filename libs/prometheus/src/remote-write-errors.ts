/** Why the body of a remote-write request is refused whole. None is retryable: the same bytes would be refused again. */

export const writeErrors = {
  too_large: { status: 413, message: 'the body is larger than is taken at once' },
  not_snappy: { status: 400, message: 'the body is not a snappy block' },
  malformed: { status: 400, message: 'the body is not a prometheus.WriteRequest' },
  too_many_clusters: { status: 400, message: 'more pairs of replicas than can be told apart' },
} as const

export type WriteErrorCode = keyof typeof writeErrors

export class WriteError extends Error {
  readonly code: WriteErrorCode
  /** What to answer over HTTP. */
  readonly status: number

  constructor(code: WriteErrorCode, detail: string, cause?: unknown) {
    super(`${writeErrors[code].message}: ${detail}`, { cause })
    this.name = 'WriteError'
    this.code = code
    this.status = writeErrors[code].status
  }
}
