import { createRandom } from '@lapwing/detection/random'
import type { Tensor3D } from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { createLstmNet, initialLstmParameters, trainLstmAutoencoder } from './lstm-autoencoder.ts'
import { lstmReconstructor } from './lstm-net.ts'
import { loadTensorFlow, type TensorFlow } from './tensorflow.ts'

const shape = { windowRows: 5, channels: 3, units: 6 }
const width = 15
const windows = 7
const random = createRandom(11)
const batch = Float32Array.from({ length: windows * width }, () => 2 * random() - 1)

/** The same net of TensorFlow's own layers, with the weights given. */
function layersModel({ tf }: TensorFlow, parameters: readonly Float64Array[]) {
  const { windowRows, channels, units } = shape
  const recurrentActivation = 'sigmoid' as const
  const model = tf.sequential()
  model.add(tf.layers.lstm({ units, recurrentActivation, inputShape: [windowRows, channels] }))
  model.add(tf.layers.repeatVector({ n: windowRows }))
  model.add(tf.layers.lstm({ units, recurrentActivation, returnSequences: true }))
  model.add(tf.layers.timeDistributed({ layer: tf.layers.dense({ units: channels }) }))
  model.setWeights(model.getWeights().map((weight, i) => tf.tensor([...parameters[i]!], weight.shape)))
  return model
}

describe('LSTM autoencoder', () => {
  test('has the loss and the gradients of TensorFlow’s layers for the same weights', async () => {
    const tensorflow = await loadTensorFlow('cpu')
    const { tf } = tensorflow
    const parameters = initialLstmParameters(shape, 3)
    const model = layersModel(tensorflow, parameters)
    const input = tf.tensor3d(batch, [windows, shape.windowRows, shape.channels])
    const variables = model.trainableWeights.map((weight) => weight.read() as never)
    const { value, grads } = tf.variableGrads(
      () => tf.losses.meanSquaredError(input, model.apply(input) as Tensor3D).asScalar(),
      variables,
    )
    const net = createLstmNet(shape, parameters, { batchWindows: windows, learningRate: 1e-3 })
    expect(net.loss(batch, windows)).toBeCloseTo(value.dataSync()[0]!, 6)
    const ours = net.gradients(batch, windows)
    const theirs = model.trainableWeights.map((weight) =>
      grads[(weight.read() as { name: string } & typeof value).name]!.dataSync(),
    )
    for (const [i, gradient] of theirs.entries()) {
      for (const [j, slope] of gradient.entries()) expect(ours[i]![j]).toBeCloseTo(slope, 6)
    }
  })

  test('scores on typed arrays as TensorFlow’s layers do', async () => {
    const tensorflow = await loadTensorFlow('wasm')
    const parameters = initialLstmParameters(shape, 4)
    const expected = tensorflow.tf.tidy(() => {
      const input = tensorflow.tf.tensor3d(batch, [windows, shape.windowRows, shape.channels])
      return (layersModel(tensorflow, parameters).predictOnBatch(input) as Tensor3D).dataSync()
    })
    const [k, r, b, dk, dr, db, output, outputBiases] = parameters.map((parameter) =>
      Float32Array.from(parameter),
    ) as Float32Array[]
    const out = new Float32Array(batch.length)
    lstmReconstructor({
      windowRows: shape.windowRows,
      encoder: { kernel: k!, recurrent: r!, biases: b! },
      decoder: { kernel: dk!, recurrent: dr!, biases: db! },
      output: output!,
      outputBiases: outputBiases!,
    }).reconstruct(batch, windows, out)
    for (const [i, value] of expected.entries()) expect(out[i]).toBeCloseTo(value, 5)
  })

  test('learns, on what it was not trained on', async () => {
    const rows = {
      channels: 3,
      count: 600,
      values: Float32Array.from({ length: 1800 }, (_, i) => Math.sin(Math.floor(i / 3) / 6 + (i % 3))),
    }
    const options = {
      windowRows: 5,
      epochs: 10,
      batchWindows: 32,
      windowsPerEpoch: 1000,
      learningRate: 1e-2,
      patienceEpochs: 3,
      seed: 5,
    }
    const losses: number[] = []
    await trainLstmAutoencoder(rows, 8, options, ({ heldBackLoss }) => losses.push(heldBackLoss))
    expect(losses.at(-1)).toBeLessThan(0.05)
    expect(losses.find(Number.isFinite)).toBeGreaterThan(0.1)
  })
})
