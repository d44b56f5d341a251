import { describe, expect, test } from 'vitest'
import { type DenseShape, trainDenseAutoencoder } from './dense-autoencoder.ts'
import { denseReconstructor } from './dense-net.ts'
import { loadTensorFlow, type TensorFlow } from './tensorflow.ts'

const rows = {
  channels: 3,
  count: 600,
  values: Float32Array.from({ length: 1800 }, (_, i) => Math.sin(Math.floor(i / 3) / 20 + (i % 3)) + (i % 3) / 4),
}
const options = {
  windowRows: 4,
  epochs: 8,
  batchWindows: 32,
  windowsPerEpoch: 10_000,
  learningRate: 1e-2,
  patienceEpochs: 3,
  seed: 5,
}
const width = 12

async function trained(tensorflow: TensorFlow, waist: DenseShape['waist']) {
  const losses: number[] = []
  const layers = await trainDenseAutoencoder(tensorflow, rows, { hidden: 8, latent: 3, waist }, options, ({ heldBackLoss }) =>
    losses.push(heldBackLoss),
  )
  return { layers, losses: losses.filter(Number.isFinite) }
}

describe.each(['point', 'distribution'] as const)('dense autoencoder through a %s', (waist) => {
  test('learns, on what it was not trained on', async () => {
    const { losses } = await trained(await loadTensorFlow('wasm'), waist)
    expect(losses.at(-1)).toBeLessThan(losses[0]! * 0.75)
  })

  test('scores on typed arrays as TensorFlow does', async () => {
    const tensorflow = await loadTensorFlow('wasm')
    const { layers } = await trained(tensorflow, waist)
    const windows = rows.values.slice(0, 100 * width)
    const out = new Float32Array(windows.length)
    denseReconstructor(layers).reconstruct(windows, 100, out)
    const { tf } = tensorflow
    const expected = tf.tidy(() => {
      let tensor = tf.tensor2d(windows, [100, width])
      for (const { inputs, outputs, weights, biases, activation } of layers) {
        tensor = tensor.matMul(tf.tensor2d(weights, [inputs, outputs])).add(tf.tensor1d(biases))
        if (activation === 'relu') tensor = tensor.relu()
      }
      return tensor.dataSync()
    })
    for (let i = 0; i < out.length; i++) expect(out[i]).toBeCloseTo(expected[i]!, 5)
  })

  test('leaves no tensor behind', async () => {
    const tensorflow = await loadTensorFlow('wasm')
    await trained(tensorflow, waist)
    const before = tensorflow.tf.memory().numTensors
    await trained(tensorflow, waist)
    expect(tensorflow.tf.memory().numTensors).toBe(before)
  })
})
