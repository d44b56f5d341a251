import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { createStageMetrics } from './stage-metrics.ts'

const done = { topic: 'samples', records: 1, durationMs: 1 }

test('lag is told for each owned partition, so that its sum is the lag of the service', async () => {
  const registry = new Registry()
  const metrics = createStageMetrics(registry)
  const lags = async () =>
    (await registry.getSingleMetric('lapwing_stage_lag_records')!.get()).values.map(({ labels, value }) => [
      labels.partition,
      value,
    ])
  metrics.assigned(new Map([['samples', [0, 1]]]))
  metrics.batch({ ...done, partition: 0, lagRecords: 5 })
  metrics.batch({ ...done, partition: 1, lagRecords: 7 })
  expect(await lags()).toEqual([
    [0, 5],
    [1, 7],
  ])
  metrics.assigned(new Map([['samples', [1]]]))
  expect(await lags()).toEqual([[1, 7]])
})
