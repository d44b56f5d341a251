/** The drift step on the reconstruction errors of a real model: the entity's score on the scores topic is nothing else. */
import { decode } from '@lapwing/contracts/codec'
import { sortedLabels } from '@lapwing/contracts/series'
import { createMultivariateDetector } from '@lapwing/deep/multivariate-detector'
import { trainModel } from '@lapwing/deep/train-model'
import { createRandom } from '@lapwing/detection/random'
import type { OutgoingRecord } from '@lapwing/stream/log'
import { describe, expect, test } from 'vitest'
import { asScoreOfEntity, ok, scoreRecord, stepMs } from '../testing/score-batch.ts'
import { createDriftStep } from './drift.ts'

const channels = ['load', 'requests', 'latency']
const labels = sortedLabels(Object.entries({ __name__: 'lapwing_entity_score', instance: 'a' }))
const brokenAt = 1500

/** Load, requests and latency of one machine; from `brokenRow` on requests come from somewhere else: each channel moves as before, the relation is gone. */
function machineRows(count: number, seed: number, brokenRow: number) {
  const random = createRandom(seed)
  const rows = Array.from({ length: count }, (_, row) => {
    const load = 0.5 + 0.3 * Math.sin(row / 40)
    const elsewhere = row >= brokenRow ? 0.5 + 0.3 * Math.sin(row / 29 + 2) : load
    return [load, 1000 * elsewhere, 0.1 + load].map((value) => value * (1 + 0.02 * (random() - 0.5)))
  })
  return { channels: channels.length, count, values: Float64Array.from(rows.flat()) }
}

describe('reconstruction errors', () => {
  test.each(['pca', 'multiscale-pca', 'autoencoder'] as const)(
    'of %s that rise for good, while each channel moves as ever, ask for one retraining',
    async (kind) => {
      const tensorflow = async () => {
        const { loadTensorFlow } = await import('@lapwing/deep/tensorflow')
        return loadTensorFlow('wasm')
      }
      const rows = machineRows(1000, 1, Number.POSITIVE_INFINITY)
      const model = await trainModel({ kind, channels, rows, seed: 7, tensorflow, onProgress: () => {} })
      const detector = createMultivariateDetector(model)
      const { count, values } = machineRows(2000, 2, brokenAt)
      const scores = Array.from({ length: count }, (_, row) => detector.update(values.subarray(3 * row, 3 * row + 3)).score)
      const outputs: OutgoingRecord[] = []
      const step = createDriftStep({
        enabled: true,
        detector: 'adwin',
        delta: 0.002,
        cooldownMs: 24 * 3_600_000,
        requestsPerWeek: 7,
        afterSamples: 0,
        maxSeries: 10,
        forgetAfterMs: 14 * 86_400_000,
        controlTopic: 'control',
        observe: () => {},
        observeVerdict: () => {},
      })
      step.process(asScoreOfEntity(scoreRecord(scores, 0, ok, labels), `${kind}/1`), (output) => outputs.push(output))
      const requests = outputs.map(({ value }) => decode('Control', value!))
      expect(requests).toHaveLength(1)
      expect(requests[0]!.reason).toMatch(/^mean score of lapwing_entity_score\{instance="a"\} went from \d\.\d\d to \d\.\d\d$/)
      expect(requests[0]!.requestedAtMs / stepMs).toBeGreaterThan(brokenAt)
      expect(requests[0]!.requestedAtMs / stepMs).toBeLessThan(brokenAt + 200)
    },
  )
})
