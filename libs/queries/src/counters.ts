/**
 * A counter polled as it is would be a line that only climbs: its rate is asked for instead, and people are told.
 *
 * What is a counter is said by its name (`_total`) or by the type that Prometheus knows it under.
 */
import { instantMetrics, ratedMetric, withRate } from './promql.ts'

/** Metrics whose type says whether a metric of this name is a counter, and the types that say so. */
export interface CounterEvidence {
  readonly metric: string
  readonly types: readonly string[]
}

/** Window of the rates: long enough for two scrapes a minute apart, which is Prometheus' default, and for four steps. */
export function rateWindow(stepMs: number): string {
  return `${Math.ceil(Math.max(120_000, 4 * stepMs) / 1000)}s`
}

/** Whether the name alone says that it counts. */
export function isNamedCounter(metric: string): boolean {
  return metric.endsWith('_total')
}

/** Where to look when the name does not say it. */
export function counterEvidence(metric: string): CounterEvidence[] {
  const family = /^(.+)_(bucket|count|sum)$/.exec(metric)
  const own = { metric, types: ['counter'] }
  if (!family) return [own]
  return [own, { metric: family[1]!, types: family[2] === 'bucket' ? ['histogram'] : ['histogram', 'summary'] }]
}

/**
 * The expression to ask instead, when the metric that it shows, adds up, averages or bounds is a counter.
 *
 * @param isCounter asked for that metric only
 */
export async function withoutRawCounter(
  promql: string,
  stepMs: number,
  isCounter: (metric: string) => Promise<boolean>,
): Promise<string> {
  const metric = ratedMetric(promql)
  if (!metric || !(isNamedCounter(metric) || (await isCounter(metric)))) return promql
  return withRate(promql, rateWindow(stepMs)) ?? promql
}

/**
 * Counters that an expression reads without a rate, each once.
 *
 * @param isCounter asked for those whose name does not say it
 */
export async function countersWithoutRate(promql: string, isCounter: (metric: string) => Promise<boolean>): Promise<string[]> {
  const counters: string[] = []
  for (const metric of instantMetrics(promql)) if (isNamedCounter(metric) || (await isCounter(metric))) counters.push(metric)
  return counters
}
