/**
 * The dense autoencoder: a window through a narrow waist and back, trained to give itself.
 *
 * Source: Hinton, Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks", 2006, trained end to end with Adam.
 */
import type { ScaledRows } from './channel-scale.ts'
import type { DenseLayer } from './dense-net.ts'
import type { TensorFlow } from './tensorflow.ts'
import { type OnProgress, type TrainableNet, type TrainingOptions, trainNet } from './training.ts'

/** Throws RangeError when there are fewer rows than two windows need. */
export async function trainDenseAutoencoder(
  tensorflow: TensorFlow,
  rows: ScaledRows,
  hidden: readonly number[],
  options: TrainingOptions,
  onProgress: OnProgress,
): Promise<DenseLayer[]> {
  const width = options.windowRows * rows.channels
  const sizes = [width, ...hidden, width]
  const activations = sizes.slice(1).map((_, i): DenseLayer['activation'] => (i < hidden.length ? 'relu' : 'linear'))
  const { net, dispose } = denseAutoencoderNet(tensorflow, sizes, activations, options)
  try {
    const weights = await trainNet(net, rows, options, onProgress)
    return activations.map((activation, i) => ({
      inputs: sizes[i]!,
      outputs: sizes[i + 1]!,
      weights: weights[2 * i]!,
      biases: weights[2 * i + 1]!,
      activation,
    }))
  } finally {
    dispose()
  }
}

function denseAutoencoderNet(
  { tf }: TensorFlow,
  sizes: readonly number[],
  activations: readonly DenseLayer['activation'][],
  { learningRate, seed }: TrainingOptions,
): { net: TrainableNet; dispose(): void } {
  const width = sizes[0]!
  const model = tf.sequential()
  for (const [i, activation] of activations.entries()) {
    const kernelInitializer = tf.initializers.glorotUniform({ seed: seed + i })
    const inputShape = i === 0 ? { inputShape: [width] } : {}
    model.add(tf.layers.dense({ ...inputShape, units: sizes[i + 1]!, activation, kernelInitializer }))
  }
  const optimizer = tf.train.adam(learningRate)
  model.compile({ optimizer, loss: 'meanSquaredError' })
  const tensorOf = (windows: Float32Array, count: number) => tf.tensor2d(windows.slice(0, count * width), [count, width])
  return {
    net: {
      step: async (windows, count) => {
        const batch = tensorOf(windows, count)
        await model.trainOnBatch(batch, batch)
        batch.dispose()
      },
      loss: (windows, count) =>
        tf.tidy(() => {
          const batch = tensorOf(windows, count)
          return tf.losses.meanSquaredError(batch, model.predictOnBatch(batch) as typeof batch).dataSync()[0]!
        }),
      weights: () => model.getWeights().map((weight) => weight.dataSync().slice() as Float32Array),
    },
    dispose: () => {
      model.dispose()
      optimizer.dispose()
    },
  }
}
