/**
 * A recurrent autoencoder on typed arrays, for scoring: reads the window row by row into a state, and unrolls it again.
 *
 * The same arithmetic as TensorFlow's LSTM layer, gates in its order (input, forget, candidate, output) and with a logistic
 * recurrent activation; `lstm-autoencoder.test.ts` holds both to the same results. Two windows go side by side, so that a weight is read once for
 * both, and what the decoder is given in each row is multiplied once a window.
 */

import { addProduct } from './matrix-products.ts'
import type { Reconstructor } from './reconstruction.ts'

export interface LstmLayer {
  /** Inputs x (4 x units). */
  readonly kernel: Float32Array
  /** Units x (4 x units). */
  readonly recurrent: Float32Array
  readonly biases: Float32Array
}

export interface LstmWeights {
  readonly windowRows: number
  readonly encoder: LstmLayer
  /** Gets the last state of the encoder as its input in each row. */
  readonly decoder: LstmLayer
  /** Units x channels, from each row's state to the row. */
  readonly output: Float32Array
  readonly outputBiases: Float32Array
}

export function lstmReconstructor({ windowRows, encoder, decoder, output, outputBiases }: LstmWeights): Reconstructor {
  const channels = outputBiases.length
  const width = windowRows * channels
  const encoding = createCell(encoder)
  const decoding = createCell(decoder)
  const fromState = createProduct(output, outputBiases)
  const rows = new Float64Array(2 * channels)
  /** The second is the first again where there is an odd one. */
  const rebuild = (windows: Float32Array, first: number, second: number, out: Float32Array) => {
    encoding.reset()
    for (let t = 0; t < windowRows; t++) {
      const at = t * channels
      for (let i = 0; i < channels; i++) {
        rows[i] = windows[first + at + i]!
        rows[channels + i] = windows[second + at + i]!
      }
      encoding.setInput(rows)
      encoding.step()
    }
    decoding.reset()
    decoding.setInput(encoding.states)
    for (let t = 0; t < windowRows; t++) {
      decoding.step()
      fromState(decoding.states, rows)
      for (let i = 0; i < channels; i++) {
        out[first + t * channels + i] = rows[i]!
        out[second + t * channels + i] = rows[channels + i]!
      }
    }
  }
  return {
    width,
    reconstruct: (windows, count, out) => {
      for (let k = 0; k < count; k += 2) rebuild(windows, k * width, Math.min(k + 1, count - 1) * width, out)
    },
  }
}

/** Of two windows, one behind the other. */
interface Cell {
  readonly states: Float64Array
  reset(): void
  setInput(inputs: Float64Array): void
  step(): void
}

function createCell({ kernel, recurrent, biases }: LstmLayer): Cell {
  const units = biases.length / 4
  const states = new Float64Array(2 * units)
  const memories = new Float64Array(2 * units)
  const fromInput = new Float64Array(8 * units)
  const gates = new Float64Array(8 * units)
  const multiplyInput = createProduct(kernel, biases)
  const weights = Float64Array.from(recurrent)
  return {
    states,
    reset: () => {
      states.fill(0)
      memories.fill(0)
    },
    setInput: (inputs) => multiplyInput(inputs, fromInput),
    step: () => {
      gates.set(fromInput)
      addProduct(states, 0, weights, gates, 0, 2, units, 4 * units)
      for (let window = 0; window < 2; window++) {
        const gate = window * 4 * units
        const at = window * units
        for (let j = 0; j < units; j++) {
          const kept = logistic(gates[gate + units + j]!) * memories[at + j]!
          const memory = kept + gatedTangent(gates[gate + j]!, gates[gate + 2 * units + j]!)
          memories[at + j] = memory
          states[at + j] = gatedTangent(gates[gate + 3 * units + j]!, memory)
        }
      }
    },
  }
}

/** `biases` + `input` x `weights`, for two inputs. */
function createProduct(weights: Float32Array, biases: Float32Array): (inputs: Float64Array, results: Float64Array) => void {
  const wide = Float64Array.from(weights)
  const start = Float64Array.of(...biases, ...biases)
  const outputs = biases.length
  return (inputs, results) => {
    results.set(start)
    addProduct(inputs, 0, wide, results, 0, 2, inputs.length >> 1, outputs)
  }
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x))
}

/**
 * `logistic(gate) * Math.tanh(x)` to within 3e-16, at less than half its time: both from exponentials, and one division. Below the limit the tangent
 * is -1 to the last digit, and the exponential would be on its way to infinity.
 */
function gatedTangent(gate: number, x: number): number {
  const falling = Math.exp(-2 * Math.max(x, saturated))
  return (1 - falling) / ((1 + falling) * (1 + Math.exp(-gate)))
}

const saturated = -20
