/** The canary through poller's plan, detector and alerter, as fast as it goes: its faults are found, and nobody is told. */
import { canaryMetric, sortedLabels } from '@lapwing/contracts/series'
import { canaryCount, canaryFaults, canaryValue } from '@lapwing/evaluation/canary'
import { countEvents, eventAccuracy, quantile } from '@lapwing/evaluation/event-accuracy'
import type { EvaluationRange } from '@lapwing/prometheus/alignment'
import { configuredQueries } from '@lapwing/queries/configured-queries'
import { querySetting } from '@lapwing/queries/query-settings'
import { expect, test } from 'vitest'
import { readConfig } from '../start/all-config.ts'
import { backtest, type SeriesSource } from './backtest.ts'
import { createRecording } from './recording.ts'
import { toldEpisodes } from './told-episodes.ts'

const fromMs = Date.UTC(2026, 2, 1, 1)
const toMs = fromMs + 8 * 86_400_000
const canaries = Array.from({ length: canaryCount }, (_, canary) => canary)

const source: SeriesSource = {
  open: async () => ({ seriesName: canaryMetric, samples: 'evaluated', recording: createRecording(answer, toMs, new Map()) }),
}

async function answer({ startMs, endMs, stepMs }: EvaluationRange) {
  const times = Array.from({ length: (endMs - startMs) / stepMs + 1 }, (_, i) => startMs + i * stepMs)
  return canaries.map((canary) => {
    const timestampsMs = times.filter((atMs) => canaryValue(canary, atMs) !== undefined)
    const labels = sortedLabels([
      ['__name__', canaryMetric],
      ['canary', String(canary)],
      ['instance', 'reporter:8080'],
    ])
    return { labels, timestampsMs, values: timestampsMs.map((atMs) => canaryValue(canary, atMs)!) }
  })
}

test('the faults of the canary are found within minutes, and nobody is told', async () => {
  const config = readConfig({ set: ['ingestor.step=60s', 'ingestor.poll_interval=60s'] })
  const queries = configuredQueries({ metrics: [querySetting.parse(canaryMetric)] })
  const { anomalies, simulated } = await backtest({ config, queries, source, fromMs, toMs, onProgress: () => {} })
  const events = canaries.flatMap((canary) =>
    canaryFaults(canary, fromMs + 86_400_000, toMs - 3_600_000).map((fault) => ({
      series: `${canaryMetric}{canary="${canary}",instance="reporter:8080"}`,
      ...fault,
    })),
  )
  const episodes = toldEpisodes(anomalies, simulated)
  const counts = countEvents(events, episodes, 5 * 60_000)
  expect(events).toHaveLength(canaryCount)
  expect(eventAccuracy(counts).recall).toBeGreaterThanOrEqual(0.9)
  expect(quantile(counts.delaysMs, 0.9)).toBeLessThanOrEqual(5 * 60_000)
  expect(simulated.messages).toEqual([])
  expect(new Set(simulated.outcomes.map(({ reason }) => reason))).toContain('canary')
})
