/**
 * The recurrent autoencoder: an LSTM reads the window into one state, another unrolls it.
 *
 * Trained by hand-written backpropagation through time: TensorFlow.js needs half as much again on its WebAssembly backend, because a window
 * of rows becomes hundreds of small operations. Loss and gradients are those of TensorFlow's layers for the same weights
 * (`lstm-autoencoder.test.ts`), and the result is the same on every machine. Gates and activations as in Keras: logistic and
 * hyperbolic tangent, a forget gate that starts open.
 *
 * Sources: Malhotra et al., "LSTM-based Encoder-Decoder for Multi-sensor Anomaly Detection", 2016 (here without the reversal);
 * Hochreiter, Schmidhuber, "Long Short-Term Memory", 1997.
 */
import { createRandom } from '@lapwing/detection/random'
import { Matrix, QrDecomposition } from 'ml-matrix'
import { createAdam } from './adam.ts'
import type { ScaledRows } from './channel-scale.ts'
import type { LstmWeights } from './lstm-net.ts'
import { createLstmPass } from './lstm-pass.ts'
import { addInputGradient, addProduct, addWeightGradient } from './matrix-products.ts'
import { type OnProgress, type TrainableNet, type TrainingOptions, trainNet } from './training.ts'

export interface LstmShape {
  readonly windowRows: number
  readonly channels: number
  readonly units: number
}

/** Throws RangeError for too few rows. */
export async function trainLstmAutoencoder(
  rows: ScaledRows,
  units: number,
  options: TrainingOptions,
  onProgress: OnProgress,
): Promise<LstmWeights> {
  const shape = { windowRows: options.windowRows, channels: rows.channels, units }
  const net = createLstmNet(shape, initialLstmParameters(shape, options.seed), options)
  const weights = await trainNet(net, rows, options, onProgress)
  const layer = (at: number) => ({ kernel: weights[at]!, recurrent: weights[at + 1]!, biases: weights[at + 2]! })
  return { windowRows: options.windowRows, encoder: layer(0), decoder: layer(3), output: weights[6]!, outputBiases: weights[7]! }
}

/** In the order of Keras: kernel, recurrent kernel and biases of encoder and decoder, then the output layer. */
export function initialLstmParameters({ channels, units }: LstmShape, seed: number): Float64Array[] {
  const random = createRandom(seed)
  const layer = (inputs: number) => [glorot(inputs, 4 * units, random), orthogonal(units, random), openForgetGate(units)]
  return [...layer(channels), ...layer(units), glorot(units, channels, random), new Float64Array(channels)]
}

/** @param parameters changed by each step */
export function createLstmNet(
  shape: LstmShape,
  parameters: readonly Float64Array[],
  { batchWindows, learningRate }: Pick<TrainingOptions, 'batchWindows' | 'learningRate'>,
): TrainableNet & { gradients(windows: Float32Array, count: number): Float64Array[] } {
  const gradients = parameters.map(({ length }) => new Float64Array(length))
  const adam = createAdam(parameters, learningRate)
  const pass = createAutoencoderPass(shape, parameters, batchWindows)
  return {
    step: (windows, count) => {
      pass.forward(windows, count)
      pass.backward(gradients, count)
      adam.step(gradients)
    },
    loss: (windows, count) => pass.forward(windows, count),
    gradients: (windows, count) => {
      for (const gradient of gradients) gradient.fill(0)
      pass.forward(windows, count)
      pass.backward(gradients, count)
      return gradients.map((gradient) => gradient.slice())
    },
    weights: () => parameters.map((parameter) => Float32Array.from(parameter)),
  }
}

interface AutoencoderPass {
  /** Mean squared error of the windows. */
  forward(windows: Float32Array, count: number): number
  /** Adds the gradients of the windows that went forward last. */
  backward(gradients: readonly Float64Array[], count: number): void
}

function createAutoencoderPass(shape: LstmShape, parameters: readonly Float64Array[], batchWindows: number): AutoencoderPass {
  const { windowRows, channels, units } = shape
  const [output, outputBiases] = [parameters[6]!, parameters[7]!]
  const input = new Float64Array(windowRows * batchWindows * channels)
  const rebuilt = new Float64Array(batchWindows * channels)
  const errors = new Float64Array(input.length)
  const encoder = createLstmPass({ windowRows, inputs: channels, units }, parameters.slice(0, 3), batchWindows)
  const decoder = createLstmPass({ windowRows, inputs: units, units }, parameters.slice(3, 6), batchWindows)
  const encoded = new Float64Array(batchWindows * units)
  const encodedErrors = new Float64Array(encoded.length)

  const rebuildRow = (t: number, count: number) => {
    for (let k = 0; k < count; k++) rebuilt.set(outputBiases, k * channels)
    addProduct(decoder.states, decoder.stateAt(t), output, rebuilt, 0, count, units, channels)
    const scale = 2 / (count * windowRows * channels)
    const from = t * count * channels
    let squares = 0
    for (let i = 0; i < count * channels; i++) {
      const distance = rebuilt[i]! - input[from + i]!
      squares += distance * distance
      errors[from + i] = scale * distance
    }
    return squares
  }

  return {
    forward: (windows, count) => {
      rowsFirst(windows, input, count, windowRows, channels)
      encoder.forward(input, count * channels, count)
      encoded.set(encoder.states.subarray(encoder.stateAt(windowRows - 1), encoder.stateAt(windowRows - 1) + count * units))
      decoder.forward(encoded, 0, count)
      let squares = 0
      for (let t = 0; t < windowRows; t++) squares += rebuildRow(t, count)
      return squares / (count * windowRows * channels)
    },
    backward: (gradients, count) => {
      const [outputGradient, biasGradient] = [gradients[6]!, gradients[7]!]
      for (let t = 0; t < windowRows; t++) {
        const from = t * count * channels
        for (let i = 0; i < count * channels; i++) biasGradient[i % channels] = biasGradient[i % channels]! + errors[from + i]!
        addWeightGradient(decoder.states, decoder.stateAt(t), errors, from, outputGradient, count, units, channels)
        addInputGradient(errors, from, output, decoder.stateErrors(t), 0, count, units, channels)
      }
      encodedErrors.fill(0)
      decoder.backward(gradients.slice(3, 6), encoded, 0, count, encodedErrors)
      encoder.stateErrors(windowRows - 1).set(encodedErrors)
      encoder.backward(gradients.slice(0, 3), input, count * channels, count)
    },
  }
}

/** Windows one behind the other become all first rows, then all second rows, as the nets read them. */
function rowsFirst(windows: Float32Array, input: Float64Array, count: number, windowRows: number, channels: number): void {
  for (let k = 0; k < count; k++) {
    for (let t = 0; t < windowRows; t++) {
      const from = (k * windowRows + t) * channels
      const to = (t * count + k) * channels
      for (let i = 0; i < channels; i++) input[to + i] = windows[from + i]!
    }
  }
}

function glorot(inputs: number, outputs: number, random: () => number): Float64Array {
  const limit = Math.sqrt(6 / (inputs + outputs))
  return Float64Array.from({ length: inputs * outputs }, () => limit * (2 * random() - 1))
}

/** Units x (4 x units), rows orthonormal. */
function orthogonal(units: number, random: () => number): Float64Array {
  const tall = Matrix.zeros(4 * units, units)
  for (let i = 0; i < tall.rows; i++) {
    for (let j = 0; j < units; j++) tall.set(i, j, Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()))
  }
  return Float64Array.from(new QrDecomposition(tall).orthogonalMatrix.transpose().to1DArray())
}

function openForgetGate(units: number): Float64Array {
  return Float64Array.from({ length: 4 * units }, (_, i) => (i >= units && i < 2 * units ? 1 : 0))
}
