/**
 * What can go wrong between Lapwing and a Prometheus: one table, so that retrying is a property of the code and never a guess.
 *
 * A garbled answer is retryable: a restart or a proxy in between cuts answers short, and asking again costs little. Warnings
 * make a result partial, and a partial result is not a result: what is missing from it could never be fetched again.
 */

export const queryErrors = {
  unreachable: { retryable: true, message: 'Prometheus cannot be reached' },
  timeout: { retryable: true, message: 'Prometheus did not answer in time' },
  throttled: { retryable: true, message: 'Prometheus asks for fewer queries' },
  unavailable: { retryable: true, message: 'Prometheus gave up on the query for now' },
  server_error: { retryable: true, message: 'Prometheus failed' },
  garbled: { retryable: true, message: 'the answer is damaged or not from a Prometheus' },
  partial: { retryable: true, message: 'Prometheus warns that the result is incomplete' },
  bad_query: { retryable: false, message: 'Prometheus refuses the query' },
  not_executable: { retryable: false, message: 'Prometheus cannot execute the query' },
  unauthorised: { retryable: false, message: 'Prometheus refuses these credentials' },
  redirected: { retryable: false, message: 'the address redirects elsewhere, which is not followed' },
  not_prometheus: { retryable: false, message: 'the address does not answer as a Prometheus does' },
  too_large: { retryable: false, message: 'the answer is larger than is taken at once; ask for a shorter range or fewer series' },
  not_numeric: { retryable: false, message: 'the result holds native histograms; use histogram_quantile() or histogram_avg()' },
} as const

export type QueryErrorCode = keyof typeof queryErrors

export interface QueryErrorDetails {
  /** What Prometheus or the network said. */
  readonly detail?: string
  /** How long Prometheus asked to be left alone. */
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

export class QueryError extends Error {
  readonly code: QueryErrorCode
  readonly retryable: boolean
  readonly promql: string
  /** The message without the query. */
  readonly said: string
  readonly retryAfterMs: number

  constructor(code: QueryErrorCode, promql: string, { detail, retryAfterMs = 0, cause }: QueryErrorDetails) {
    const said = `${queryErrors[code].message}${detail ? `: ${detail.slice(0, longestDetail)}` : ''}`
    super(`${said} (query: ${promql})`, { cause })
    this.name = 'QueryError'
    this.code = code
    this.retryable = queryErrors[code].retryable
    this.promql = promql
    this.said = said
    this.retryAfterMs = retryAfterMs
  }
}

/** Characters: enough for any message of Prometheus, too few to fill a log with a page of HTML. */
const longestDetail = 500
