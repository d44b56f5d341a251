/** A query that Prometheus refuses, shown with its own message and a mark at the place that it complains about. */
import type { QueryError } from '@lapwing/prometheus/query-errors'
import { UserError } from '../user-error.ts'

/** The error itself where the user's PromQL is not to blame. */
export function refusedQuery(error: QueryError): Error {
  if (error.retryable) return new UserError(error.message)
  const [, line, column] = /(\d+):(\d+): parse error/.exec(error.said) ?? []
  if (line === undefined) return new UserError(error.message)
  const written = error.promql.split('\n')[Number(line) - 1] ?? ''
  return new UserError(`${error.said}\n\n  ${written}\n  ${' '.repeat(Math.max(0, Number(column) - 1))}^`)
}
