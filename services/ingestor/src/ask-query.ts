/**
 * Asks Prometheus one window of a query, in the way that the query is meant: evaluated at each step, or the samples as they were
 * scraped; and not a counter as it stands, but its rate.
 */

import type { EvaluationRange } from '@lapwing/prometheus/alignment'
import type { QuerySeries } from '@lapwing/prometheus/query-answer'
import type { QueryClient } from '@lapwing/prometheus/query-client'
import { QueryError, type QueryErrorCode } from '@lapwing/prometheus/query-errors'
import { counterEvidence, withoutRawCounter } from '@lapwing/queries/counters'
import type { Query } from './query.ts'

/** A query as it is asked. */
export interface Expression {
  readonly promql: string
  /** Metric name of series that bring none: the name of the query, else the expression, because people recognise it by that. */
  readonly seriesName: string
  /** Whether the rate of a counter is asked for although the counter stands in the configuration. */
  readonly rated: boolean
}

/** Throws QueryError where nobody answered at all; a server that has no metadata to tell has no counters but those named so. */
export async function expressionOf(
  query: Pick<Query, 'promql' | 'samples' | 'name'>,
  client: QueryClient,
  stepMs: number,
  signal: AbortSignal,
): Promise<Expression> {
  const promql =
    query.samples === 'scraped'
      ? query.promql
      : await withoutRawCounter(query.promql, stepMs, (metric) => isTypedCounter(metric, client, signal))
  return { promql, seriesName: query.name ?? promql, rated: promql !== query.promql }
}

/** Throws QueryError, and the signal's reason once it is aborted. */
export function askWindow(
  { samples }: Pick<Query, 'samples'>,
  { promql }: Expression,
  range: EvaluationRange,
  client: QueryClient,
  signal: AbortSignal,
): Promise<QuerySeries[]> {
  if (samples === 'evaluated') return client.queryRange(promql, range, signal)
  return client.scraped(promql, range.startMs - range.stepMs, range.endMs, signal)
}

/** Whatever else is wrong with metadata must not keep a query from being polled. */
const unanswered: ReadonlySet<QueryErrorCode> = new Set(['unreachable', 'timeout', 'throttled', 'unavailable'])

/** Whether Prometheus knows it as one. Throws QueryError where nobody answered at all. */
export async function isTypedCounter(metric: string, client: QueryClient, signal: AbortSignal): Promise<boolean> {
  try {
    for (const { metric: known, types } of counterEvidence(metric)) {
      const found = await client.metricTypes(known, signal)
      if (found.some((type) => types.includes(type))) return true
    }
    return false
  } catch (error) {
    if (error instanceof QueryError && !unanswered.has(error.code)) return false
    throw error
  }
}
