import { decodeModel } from '@lapwing/deep/model-file'
import { createRandom } from '@lapwing/detection/random'
import { Registry } from 'prom-client'
import { describe, expect, test } from 'vitest'
import type { Job } from './job.ts'
import { createBackendMetric } from './metrics.ts'
import { JobRefusedError, runJob } from './run-job.ts'

const run = (job: Job, memoryLimitBytes = 1e9, signal = new AbortController().signal) =>
  runJob(job, { memoryLimitBytes, signal, onProgress: () => {} })

const random = createRandom(3)
const rows = { channels: 2, count: 300, values: Float64Array.from({ length: 600 }, () => random()) }
const training = { action: 'train', kind: 'iforest', channels: ['a', 'b'], rows, seed: 1, tensorflowBackend: 'auto' } as const

describe('a job in a process of its own', () => {
  test('trains, and tells what it took', async () => {
    const { message, peakBytes } = await run(training)
    expect(message.type === 'trained' && decodeModel(message.model)).toMatchObject({ kind: 'iforest', trainedRows: 300 })
    expect(peakBytes).toBeGreaterThan(20e6)
  })

  test('says which backend networks are trained on', async () => {
    const { message } = await run({ action: 'find_backend', tensorflowBackend: 'cpu' })
    expect(message).toEqual({ type: 'backend', backend: 'cpu', passedOver: [] })
    await expect(run({ action: 'find_backend', tensorflowBackend: 'gpu' })).rejects.toThrow(JobRefusedError)
  })

  test('that takes too much memory, has too few rows, or is no longer wanted, ends', async () => {
    await expect(run(training, 50e6)).rejects.toThrow(JobRefusedError)
    const few = { channels: 2, count: 30, values: new Float64Array(60) }
    await expect(run({ ...training, rows: few })).rejects.toThrow('30 rows are too few to train on, expected at least 200')
    const ending = new AbortController()
    const running = run(training, 1e9, ending.signal)
    ending.abort(new Error('somebody else does it'))
    await expect(running).rejects.toThrow('somebody else does it')
  })
})

test('the backend is exported as a label', async () => {
  const registry = new Registry()
  createBackendMetric(registry)('wasm')
  expect(await registry.metrics()).toContain('lapwing_tensorflow_backend_info{backend="wasm"} 1')
})
