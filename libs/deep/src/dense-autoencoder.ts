/**
 * Dense autoencoders, plain and variational: a window through a narrow waist and back, trained to give itself.
 *
 * The plain one goes through a point. The variational one goes through a normal distribution that is drawn from in training, and pays
 * for how far it is from the standard normal one, in the same unit as the squared error under unit noise; it is scored through
 * the mean, so that scores need no chance.
 *
 * Written on TensorFlow's operations and not on its layers: a step of these nets is mostly dispatch, and this has less of it.
 *
 * Sources: Hinton, Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks", 2006; Kingma, Welling, "Auto-Encoding
 * Variational Bayes", 2014.
 */
import { createRandom } from '@lapwing/detection/random'
import type { Scalar, Tensor2D, Variable } from '@tensorflow/tfjs'
import { createAdam } from './adam.ts'
import type { ScaledRows } from './channel-scale.ts'
import type { DenseLayer } from './dense-net.ts'
import type { TensorFlow } from './tensorflow.ts'
import { type OnProgress, type TrainableNet, type TrainingOptions, trainNet } from './training.ts'

export interface DenseShape {
  /** Units between window and waist; the way back has the same. */
  readonly hidden: number
  readonly latent: number
  readonly waist: 'point' | 'distribution'
}

/** The layers that score: of a variational net without what only training needs. Throws RangeError for too few rows. */
export async function trainDenseAutoencoder(
  tensorflow: TensorFlow,
  rows: ScaledRows,
  shape: DenseShape,
  options: TrainingOptions,
  onProgress: OnProgress,
): Promise<DenseLayer[]> {
  const width = options.windowRows * rows.channels
  const { net, dispose } = createNet(tensorflow, width, shape, options)
  try {
    const [encoder, encoderBias, waist, waistBias, decoder, decoderBias, output, outputBias] = await trainNet(
      net,
      rows,
      options,
      onProgress,
    )
    const { hidden, latent } = shape
    const layer = (
      inputs: number,
      outputs: number,
      weights: Float32Array,
      biases: Float32Array,
      activation: DenseLayer['activation'],
    ) => ({
      inputs,
      outputs,
      weights,
      biases,
      activation,
    })
    return [
      layer(width, hidden, encoder!, encoderBias!, 'relu'),
      layer(hidden, latent, firstColumns(waist!, hidden, latent), waistBias!.slice(0, latent), waistActivation(shape)),
      layer(latent, hidden, decoder!, decoderBias!, 'relu'),
      layer(hidden, width, output!, outputBias!, 'linear'),
    ]
  } finally {
    dispose()
  }
}

function waistActivation({ waist }: DenseShape): DenseLayer['activation'] {
  return waist === 'point' ? 'relu' : 'linear'
}

function createNet(
  tensorflow: TensorFlow,
  width: number,
  shape: DenseShape,
  { learningRate, seed }: TrainingOptions,
): { net: TrainableNet; dispose(): void } {
  const { tf } = tensorflow
  const variables = createVariables(tensorflow, width, shape, seed)
  const random = createRandom(seed)
  const tensorOf = (windows: Float32Array, count: number) => tf.tensor2d(windows.slice(0, count * width), [count, width])
  const descend = createDescent(tensorflow, variables, learningRate)
  return {
    net: {
      step: (windows, count) =>
        tf.tidy(() => {
          const batch = tensorOf(windows, count)
          const noise =
            shape.waist === 'distribution' ? tf.tensor2d(normals(count * shape.latent, random), [count, shape.latent]) : undefined
          descend(() => lossOf(tensorflow, variables, shape, batch, noise))
        }),
      loss: (windows, count) =>
        tf.tidy(() => {
          const batch = tensorOf(windows, count)
          return tf.losses.meanSquaredError(batch, forward(tensorflow, variables, shape, batch).output).dataSync()[0]!
        }),
      weights: () => variables.map((variable) => variable.dataSync().slice() as Float32Array),
    },
    dispose: () => {
      for (const variable of variables) variable.dispose()
    },
  }
}

/**
 * Adam beside TensorFlow instead of its own: of the operations of a step on nets of this size four in five are those of its optimiser, a dozen
 * for each variable.
 */
function createDescent({ tf }: TensorFlow, variables: readonly Variable[], learningRate: number): (loss: () => Scalar) => void {
  const parameters = variables.map((variable) => Float64Array.from(variable.dataSync()))
  const gradients = parameters.map(({ length }) => new Float64Array(length))
  const adam = createAdam(parameters, learningRate)
  return (loss) => {
    const { grads } = tf.variableGrads(loss, [...variables])
    variables.forEach(({ name }, k) => {
      gradients[k]!.set(grads[name]!.dataSync())
    })
    adam.step(gradients)
    variables.forEach((variable, k) => {
      variable.assign(tf.tensor(Float32Array.from(parameters[k]!), variable.shape))
    })
  }
}

/** Weights and biases by turns, from the window to the window. */
function createVariables({ tf }: TensorFlow, width: number, { hidden, latent, waist }: DenseShape, seed: number): Variable[] {
  const sizes = [
    [width, hidden],
    [hidden, waist === 'point' ? latent : 2 * latent],
    [latent, hidden],
    [hidden, width],
  ] as const
  return sizes.flatMap(([inputs, outputs], i) => {
    const limit = Math.sqrt(6 / (inputs + outputs))
    return tf.tidy(() => [
      tf.variable(tf.randomUniform([inputs, outputs], -limit, limit, 'float32', seed + i)),
      tf.variable(tf.zeros([outputs])),
    ])
  })
}

function forward(
  { tf }: TensorFlow,
  variables: readonly Variable[],
  shape: DenseShape,
  batch: Tensor2D,
  noise?: Tensor2D,
): { output: Tensor2D; mean: Tensor2D; logVariance?: Tensor2D } {
  const dense = (a: Tensor2D, layer: number, activation: DenseLayer['activation']) =>
    tf.fused.matMul({ a, b: variables[2 * layer] as Tensor2D & Variable, bias: variables[2 * layer + 1], activation }) as Tensor2D
  const encoded = dense(batch, 0, 'relu')
  const waist = dense(encoded, 1, waistActivation(shape))
  if (shape.waist === 'point') return { output: dense(dense(waist, 2, 'relu'), 3, 'linear'), mean: waist }
  const [mean, logVariance] = tf.split(waist, 2, 1) as [Tensor2D, Tensor2D]
  const drawn = noise ? mean.add(logVariance.mul(0.5).exp().mul(noise)) : mean
  return { output: dense(dense(drawn as Tensor2D, 2, 'relu'), 3, 'linear'), mean, logVariance }
}

/** Squared error; of the variational net the negative evidence lower bound, by window. */
function lossOf(
  tensorflow: TensorFlow,
  variables: readonly Variable[],
  shape: DenseShape,
  batch: Tensor2D,
  noise?: Tensor2D,
): Scalar {
  const { output, mean, logVariance } = forward(tensorflow, variables, shape, batch, noise)
  const squares = tensorflow.tf.squaredDifference(batch, output)
  if (!logVariance) return squares.mean() as Scalar
  const divergence = mean.square().add(logVariance.exp()).sub(logVariance).sub(1).sum()
  return squares
    .sum()
    .add(divergence)
    .mul(0.5 / batch.shape[0]) as Scalar
}

/** Box and Muller. */
function normals(count: number, random: () => number): Float32Array {
  return Float32Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()))
}

function firstColumns(weights: Float32Array, rows: number, columns: number): Float32Array {
  const width = weights.length / rows
  const kept = new Float32Array(rows * columns)
  for (let row = 0; row < rows; row++) kept.set(weights.subarray(row * width, row * width + columns), row * columns)
  return kept
}
