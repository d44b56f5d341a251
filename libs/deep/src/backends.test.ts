/** Every backend that runs here trains to the same model within a tolerance, and computes what typed arrays do. */
import { createRandom } from '@lapwing/detection/random'
import { describe, expect, test } from 'vitest'
import { decodeModel, encodeModel } from './model-file.ts'
import { createMultivariateDetector } from './multivariate-detector.ts'
import { loadTensorFlow, type TensorFlow } from './tensorflow.ts'
import { trainModel } from './train-model.ts'

const random = createRandom(3)
const count = 400
const values = new Float64Array(count * 3)
for (let row = 0; row < count; row++) {
  const load = Math.sin(row / 30)
  values.set(
    [load, 5 * load, -load].map((value) => value + 0.1 * (random() - 0.5)),
    row * 3,
  )
}
const rows = { channels: 3, count, values }

/** Undefined where the native one was not built. */
function backend(name: string): Promise<TensorFlow | undefined> {
  return loadTensorFlow(name).catch((error) => {
    if (name !== 'native') throw error
    return undefined
  })
}

/** Through the model file, which knows nothing of backends. */
async function scoresOf(kind: 'autoencoder' | 'vae', tensorflow: TensorFlow): Promise<number[]> {
  const trained = await trainModel({
    kind,
    channels: ['a', 'b', 'c'],
    rows,
    seed: 1,
    tensorflow: async () => tensorflow,
    onProgress: () => {},
  })
  const detector = createMultivariateDetector(decodeModel(encodeModel(trained)))
  return Array.from({ length: count }, (_, row) => detector.update(values.subarray(row * 3, row * 3 + 3)).score)
}

describe.each(['autoencoder', 'vae'] as const)('%s', (kind) => {
  let onWasm: Promise<number[]> | undefined

  test.each(['cpu', 'native'])('trained on %s scores as the one trained on wasm', async (name) => {
    onWasm ??= backend('wasm').then((tensorflow) => scoresOf(kind, tensorflow!))
    const reference = await onWasm
    const tensorflow = await backend(name)
    if (!tensorflow) return expect(loadTensorFlow('native')).rejects.toThrow('npm run tensorflow:native')
    const scores = await scoresOf(kind, tensorflow)
    for (const [row, score] of scores.entries()) expect(Math.abs(score - reference[row]!)).toBeLessThan(0.02)
  })
})
