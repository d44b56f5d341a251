/** An entity for tests, whose three series follow one load, models that know it, and its samples. */
import type { Model } from '@lapwing/contracts/records'
import { entityKey, seriesText, sortedLabels } from '@lapwing/contracts/series'
import type { Rows } from '@lapwing/deep/rows'
import { trainModel } from '@lapwing/deep/train-model'
import { createRandom } from '@lapwing/detection/random'
import { emptyModel } from '@lapwing/models/registry'
import { type ArtefactStore, packWeights } from '@lapwing/models/weights'
import type { LogRecord } from '@lapwing/stream/log'
import { sampleRecord } from './sample-batch.ts'

export const stepMs = 60_000
const metrics = ['requests', 'cpu', 'latency']
const labelsOf = (metric: string, instance: string) => ({ __name__: metric, instance, job: 'shop' })
const namesOf = (instance: string) =>
  metrics.map((metric) => seriesText(sortedLabels(Object.entries(labelsOf(metric, instance)))))
export const names = namesOf('a')
export const entityOf = (instance: string) =>
  entityKey(sortedLabels(Object.entries(labelsOf('cpu', instance))), ['instance']).toString('hex')
export const entity = entityOf('a')
export const store: ArtefactStore = { put: async () => 'unused', get: async () => undefined, remove: async () => {} }

/** All channels follow one load; from `fault` rows on `latency` no longer does. */
function rowValues(row: number, random: () => number, fault: boolean): number[] {
  const load = 10 + 3 * Math.sin(row / 20) + random()
  return [100 * load, load + random() / 10, fault ? 60 - load : 20 + load + random() / 10]
}

function history(count: number, seed: number): Rows {
  const random = createRandom(seed)
  const values = Float64Array.from(Array.from({ length: count }, (_, row) => rowValues(row, random, false)).flat())
  return { channels: 3, count, values }
}

export async function version(id: string, state: Model['state'], stateAtMs: number, seed = 1, instance = 'a'): Promise<Model> {
  const tensorflow = () => Promise.reject(new Error('not asked for'))
  const trained = await trainModel({
    kind: 'pca',
    channels: namesOf(instance),
    rows: history(600, seed),
    seed: 1,
    tensorflow,
    onProgress: () => {},
  })
  const labels = sortedLabels([
    ['instance', instance],
    ['job', 'shop'],
  ])
  const model = {
    ...emptyModel,
    modelId: id,
    scope: `entity:${entityOf(instance)}`,
    kind: 'pca',
    state,
    stateAtMs,
    labels,
    channels: namesOf(instance),
    stepMs,
  }
  return { ...model, ...(await packWeights(trained, store)) }
}

/** A batch a row, two series in one record and one in another, as two queries would bring them. */
export function live(from: number, count: number, faulty = false, seed = 9, instance = 'a'): LogRecord[] {
  const random = createRandom(seed + from)
  return Array.from({ length: count }, (_, i) => {
    const row = from + i
    const values = rowValues(row, random, faulty)
    const of = (channel: number) => ({
      labels: labelsOf(metrics[channel]!, instance),
      samples: [[row * stepMs + 5000, values[channel]!] as const],
    })
    return [
      sampleRecord([of(0), of(1)], { offset: BigInt(2 * row), stepMs }),
      sampleRecord([of(2)], { offset: BigInt(2 * row + 1), stepMs }),
    ]
  }).flat()
}
