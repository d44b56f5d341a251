/** A Prometheus as the source of a backtest: asked as the poller asks it, in pieces as large as it answers. */
import { askWindow, expressionOf } from '@lapwing/ingestor/ask-query'
import { type EvaluationRange, pointCount, splitRange } from '@lapwing/prometheus/alignment'
import type { QuerySeries } from '@lapwing/prometheus/query-answer'
import type { QueryClient } from '@lapwing/prometheus/query-client'
import { QueryError } from '@lapwing/prometheus/query-errors'
import type { SeriesSource } from './backtest.ts'
import { createRecording, type FetchedRanges } from './recording.ts'

/** What is fetched is kept, for other configurations to be tried on it. */
export function prometheusSource(client: QueryClient, toMs: number): SeriesSource {
  const fetched = new Map<string, FetchedRanges>()
  const signal = new AbortController().signal
  return {
    open: async (query, stepMs) => {
      const expression = await expressionOf(query, client, stepMs, signal)
      const key = JSON.stringify([query.samples, expression.promql])
      const ranges = fetched.get(key) ?? new Map()
      fetched.set(key, ranges)
      const fetch = (range: EvaluationRange) => asked(range, (part) => askWindow(query, expression, part, client, signal))
      return { seriesName: expression.seriesName, samples: query.samples, recording: createRecording(fetch, toMs, ranges) }
    },
  }
}

type Ask = (range: EvaluationRange) => Promise<QuerySeries[]>

/** An answer that is too large is asked for again in halves. */
async function asked(range: EvaluationRange, ask: Ask): Promise<QuerySeries[]> {
  try {
    return await ask(range)
  } catch (error) {
    const points = pointCount(range)
    if (!(error instanceof QueryError && error.code === 'too_large' && points > 1)) throw error
    const halves = splitRange(range, Math.ceil(points / 2))
    return joined(
      await halves.reduce<Promise<QuerySeries[][]>>(
        async (before, half) => [...(await before), await asked(half, ask)],
        Promise.resolve([]),
      ),
    )
  }
}

/** Parts of a range, oldest first; the labels of a series are the same object in each. */
function joined(parts: readonly (readonly QuerySeries[])[]): QuerySeries[] {
  const bySeries = new Map<QuerySeries['labels'], QuerySeries>()
  for (const { labels, timestampsMs, values } of parts.flat()) {
    const before = bySeries.get(labels)
    bySeries.set(labels, {
      labels,
      timestampsMs: [...(before?.timestampsMs ?? []), ...timestampsMs],
      values: [...(before?.values ?? []), ...values],
    })
  }
  return [...bySeries.values()]
}
