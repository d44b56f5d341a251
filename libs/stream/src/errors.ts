/** What can go wrong between a service and the log: one table, so that retrying is a property of the code and never a guess. */

export const logErrors = {
  unreachable: { retryable: true, message: 'the log does not answer' },
  timeout: { retryable: true, message: 'the log did not answer in time' },
  not_leader: { retryable: true, message: 'the partition is moving to another broker' },
  rebalancing: { retryable: true, message: 'the group is handing out its partitions anew' },
  producer_forgotten: { retryable: true, message: 'the log does not remember this producer' },
  out_of_range: { retryable: true, message: 'the log no longer holds this offset' },
  step_waits: { retryable: true, message: 'what a step needs beside the log cannot be had' },
  too_large: { retryable: false, message: 'the record is larger than the broker takes' },
  fenced: { retryable: false, message: 'a newer owner took over this partition' },
  unauthorised: { retryable: false, message: 'the log refuses these credentials' },
  unknown_topic: { retryable: false, message: 'the topic does not exist' },
  partition_mismatch: { retryable: false, message: 'the topic has another number of partitions' },
  closed: { retryable: false, message: 'the client is closed' },
  unexpected: { retryable: false, message: 'the log answered something unexpected' },
} as const

export type LogErrorCode = keyof typeof logErrors

export class LogError extends Error {
  readonly code: LogErrorCode
  readonly retryable: boolean

  constructor(code: LogErrorCode, detail?: string, cause?: unknown) {
    super(detail ? `${logErrors[code].message}: ${detail}` : logErrors[code].message, { cause })
    this.name = 'LogError'
    this.code = code
    this.retryable = logErrors[code].retryable
  }
}
