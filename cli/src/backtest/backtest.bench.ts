/** How long a backtest of a month takes: 100 series at one minute, from the recorded answers of Prometheus to the decisions. */
import { alerterSchema } from '@lapwing/alerter/config'
import { sortedLabels } from '@lapwing/contracts/series'
import { SimulatedSeries, seriesKinds } from '@lapwing/detection/testing/simulated-series'
import { detectorSchema } from '@lapwing/detector/config'
import { ingestorSchema } from '@lapwing/ingestor/config'
import type { EvaluationRange } from '@lapwing/prometheus/alignment'
import type { QuerySeries } from '@lapwing/prometheus/query-answer'
import { configuredQueries } from '@lapwing/queries/configured-queries'
import { commonSections } from '@lapwing/service/config'
import type { Benches, Figure } from '../../../bench/figure.ts'
import { backtest, type SeriesSource } from './backtest.ts'
import { createRecording } from './recording.ts'
import { summarise } from './summary.ts'

const seriesCount = 100
const days = 30

export const benches: Benches = { 'backtest/100x30d': () => backtestSeconds(days) }

export async function backtestSeconds(ofDays: number): Promise<Figure> {
  const { source, fromMs, toMs } = simulatedSource(ofDays)
  const config = {
    ingestor: ingestorSchema.parse({ step: '60s', poll_interval: '60s', history: '6h', metrics: ['simulated'] }),
    detector: detectorSchema.parse({}),
    alerter: alerterSchema.parse({}),
    kafka: commonSections.kafka.parse({}),
  }
  const startMs = performance.now()
  const result = await backtest({
    config,
    queries: configuredQueries(config.ingestor),
    source,
    fromMs,
    toMs,
    onProgress: () => {},
  })
  const { samples } = summarise(result, fromMs, toMs, undefined)
  if (samples < 0.9 * seriesCount * ofDays * 1440) throw new Error(`${samples} samples were scored, expected nearly all`)
  return { bench: 'backtest/100x30d', value: (performance.now() - startMs) / 1000, unit: 's' }
}

/** Six hours more than are judged, to warm up. */
function simulatedSource(ofDays: number): { source: SeriesSource; fromMs: number; toMs: number } {
  const minutes = (ofDays * 24 + 6) * 60
  const all = Array.from({ length: seriesCount }, (_, i) => simulatedSeries(i, minutes))
  const firstMs = Math.min(...all.map(({ timestampsMs }) => timestampsMs[0]!))
  const fromMs = firstMs + 6 * 3_600_000
  const toMs = fromMs + ofDays * 86_400_000
  const fetch = async ({ startMs, endMs }: EvaluationRange) => all.map((one) => within(one, startMs, endMs))
  const open = async () => ({
    seriesName: 'simulated',
    samples: 'evaluated' as const,
    recording: createRecording(fetch, toMs, new Map()),
  })
  return { source: { open }, fromMs, toMs }
}

function simulatedSeries(i: number, minutes: number): QuerySeries {
  const series = new SimulatedSeries({ kind: seriesKinds[i % seriesKinds.length]!, seed: i })
  const timestampsMs: number[] = []
  const values: number[] = []
  for (let minute = 0; minute < minutes; minute++) {
    if (!series.next()) continue
    timestampsMs.push(series.timestampMs)
    values.push(series.value)
  }
  const labels = sortedLabels([
    ['__name__', series.kind],
    ['instance', `host-${Math.floor(i / seriesKinds.length)}`],
  ])
  return { labels, timestampsMs, values }
}

function within({ labels, timestampsMs, values }: QuerySeries, startMs: number, endMs: number): QuerySeries {
  const from = timestampsMs.findIndex((timestampMs) => timestampMs >= startMs)
  const after = timestampsMs.findIndex((timestampMs) => timestampMs > endMs)
  const to = after < 0 ? timestampsMs.length : after
  return { labels, timestampsMs: timestampsMs.slice(from < 0 ? to : from, to), values: values.slice(from < 0 ? to : from, to) }
}
