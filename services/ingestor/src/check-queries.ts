/**
 * Runs every configured query once, as the poller would, and tells what came of it. Nothing is written anywhere.
 */
import { alignDown, type EvaluationRange } from '@lapwing/prometheus/alignment'
import type { QueryClient } from '@lapwing/prometheus/query-client'
import { QueryError } from '@lapwing/prometheus/query-errors'
import { type ConfiguredQuery, configuredQueries } from '@lapwing/queries/configured-queries'
import { countersWithoutRate } from '@lapwing/queries/counters'
import pLimit from 'p-limit'
import { askWindow, expressionOf, isTypedCounter } from './ask-query.ts'
import { type IngestorSettings, prometheusClient } from './prometheus-client.ts'
import { countSeries, type SeriesCounts } from './query-report.ts'

export interface CheckedQuery {
  readonly query: ConfiguredQuery
  /** What was asked; differs from the PromQL of the query when it is a counter, whose rate is asked for. */
  readonly asked: string
  /** Counters that are read without a rate, known by their names or by what Prometheus calls them. */
  readonly countersWithoutRate: readonly string[]
  /** From request to parsed answer. */
  readonly costMs: number
  readonly outcome: SeriesCounts | QueryError
}

export interface CheckOptions {
  readonly url: string
  readonly settings: IngestorSettings
  /** How much of the past is asked for; at most 11,000 steps. */
  readonly windowMs: number
  readonly nowMs: number
  onChecked(done: number, total: number): void
}

/** In the order of the configuration. */
export async function checkQueries({ url, settings, windowMs, nowMs, onChecked }: CheckOptions): Promise<CheckedQuery[]> {
  const client = prometheusClient(url, settings)
  const stepMs = settings.step.ms
  const endMs = alignDown(nowMs - settings.lateness.ms, stepMs)
  const range = { startMs: alignDown(endMs - windowMs, stepMs) + stepMs, endMs, stepMs }
  const queries = configuredQueries(settings)
  const limit = pLimit(settings.query_concurrency)
  let done = 0
  return Promise.all(
    queries.map((query) =>
      limit(async () => {
        const checked = await checkQuery(query, range, client)
        onChecked(++done, queries.length)
        return checked
      }),
    ),
  )
}

async function checkQuery(query: ConfiguredQuery, range: EvaluationRange, client: QueryClient): Promise<CheckedQuery> {
  const signal = new AbortController().signal
  const startMs = performance.now()
  let asked = query.promql
  let isCounter = async (_metric: string) => false
  const told = async (outcome: CheckedQuery['outcome']) => {
    const costMs = performance.now() - startMs
    return { query, asked, countersWithoutRate: await countersWithoutRate(asked, isCounter), costMs, outcome }
  }
  try {
    const expression = await expressionOf(query, client, range.stepMs, signal)
    asked = expression.promql
    const counts = countSeries(await askWindow(query, expression, range, client, signal), range)
    isCounter = (metric) => isTypedCounter(metric, client, signal)
    return await told(counts)
  } catch (error) {
    if (error instanceof QueryError) return told(error)
    throw error
  }
}
