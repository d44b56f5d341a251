/** Count and sum of the samples of each series, from the log and from the Prometheus they came from. */
import { seriesText, sortedLabels } from '@lapwing/contracts/series'
import type { EvaluationRange } from '@lapwing/prometheus/alignment'
import type { QuerySeries } from '@lapwing/prometheus/query-answer'
import { createQueryClient, type QueryClient } from '@lapwing/prometheus/query-client'
import type { ReadSample } from '../services/ingestor/test/read-samples.ts'

export interface SeriesSums {
  readonly count: number
  /** Added up in the order of time, so that equal samples give equal sums to the last bit. */
  readonly sum: number
}

/** Samples from `fromMs` to `throughMs`, both included, by series. */
export function sumsOf(
  samples: readonly Pick<ReadSample, 'series' | 'timestampMs' | 'value'>[],
  fromMs: number,
  throughMs: number,
): Map<string, SeriesSums> {
  const sums = new Map<string, SeriesSums>()
  const inOrder = samples.filter(({ timestampMs }) => timestampMs >= fromMs && timestampMs <= throughMs)
  for (const { series, value } of inOrder.sort((a, b) => a.timestampMs - b.timestampMs)) {
    const { count, sum } = sums.get(series) ?? { count: 0, sum: 0 }
    sums.set(series, { count: count + 1, sum: sum + value })
  }
  return sums
}

/** A selector of the metrics that Prometheus was told to write. */
export function pushedSeries(metrics: string): string {
  return `{__name__=~${JSON.stringify(metrics)}}`
}

/** What Prometheus has scraped. */
export async function rawSums(
  url: string,
  selector: string,
  fromMs: number,
  throughMs: number,
): Promise<Map<string, SeriesSums>> {
  const client = createQueryClient({ url, timeoutMs: 10_000 })
  const answer = await client.scraped(selector, fromMs - 1, throughMs, new AbortController().signal)
  return sumsOf(
    answer.flatMap((one) => samplesOf(one, '')),
    fromMs,
    throughMs,
  )
}

/** What Prometheus answers to range queries; a series without a name carries its expression. */
export async function rangeSums(
  client: QueryClient,
  queries: readonly string[],
  range: EvaluationRange,
): Promise<Map<string, SeriesSums>> {
  const answers = await Promise.all(
    queries.map(async (promql) => {
      const answer = await client.queryRange(promql, range, new AbortController().signal)
      return answer.flatMap((one) => samplesOf(one, promql))
    }),
  )
  return sumsOf(answers.flat(), range.startMs, range.endMs)
}

function samplesOf({ labels, timestampsMs, values }: QuerySeries, name: string) {
  const pairs = labels.map((label): [string, string] => [label.name, label.value])
  const series = seriesText(sortedLabels([['__name__', name], ...pairs]))
  return timestampsMs.map((timestampMs, i) => ({ series, timestampMs, value: values[i]! }))
}
