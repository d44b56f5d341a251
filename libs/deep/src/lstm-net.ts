/**
 * A recurrent autoencoder on typed arrays, for scoring: reads the window row by row into a state, and unrolls it again.
 *
 * The same arithmetic as TensorFlow's LSTM layer, gates in its order (input, forget, candidate, output) and with a logistic
 * recurrent activation; `lstm-autoencoder.test.ts` holds both to the same results.
 */
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
  const encoding = createCell(encoder)
  const decoding = createCell(decoder)
  const row = new Float64Array(channels)
  const width = windowRows * channels
  const rebuildWindow = (windows: Float32Array, at: number, out: Float32Array) => {
    encoding.reset()
    for (let t = 0; t < windowRows; t++) {
      for (let i = 0; i < channels; i++) row[i] = windows[at + t * channels + i]!
      encoding.step(row)
    }
    decoding.reset()
    for (let t = 0; t < windowRows; t++) {
      decoding.step(encoding.state)
      accumulate(decoding.state, output, outputBiases, row)
      out.set(row, at + t * channels)
    }
  }
  return {
    width,
    reconstruct: (windows, count, out) => {
      for (let k = 0; k < count; k++) rebuildWindow(windows, k * width, out)
    },
  }
}

interface Cell {
  readonly state: Float64Array
  reset(): void
  step(input: Float64Array): void
}

function createCell({ kernel, recurrent, biases }: LstmLayer): Cell {
  const units = biases.length / 4
  const state = new Float64Array(units)
  const memory = new Float64Array(units)
  const fromInput = new Float64Array(4 * units)
  const gates = new Float64Array(4 * units)
  return {
    state,
    reset: () => {
      state.fill(0)
      memory.fill(0)
    },
    step: (input) => {
      accumulate(input, kernel, biases, fromInput)
      accumulate(state, recurrent, fromInput, gates)
      for (let j = 0; j < units; j++) {
        const kept = logistic(gates[units + j]!) * memory[j]!
        memory[j] = kept + logistic(gates[j]!) * Math.tanh(gates[2 * units + j]!)
        state[j] = logistic(gates[3 * units + j]!) * Math.tanh(memory[j]!)
      }
    },
  }
}

/** `result` = `start` + `input` x `weights`, four rows of the weights at a time. */
function accumulate(input: Float64Array, weights: Float32Array, start: Float32Array | Float64Array, result: Float64Array): void {
  const outputs = result.length
  result.set(start)
  let i = 0
  for (; i + 3 < input.length; i += 4) {
    const a = input[i]!
    const b = input[i + 1]!
    const c = input[i + 2]!
    const d = input[i + 3]!
    const first = i * outputs
    const second = first + outputs
    const third = second + outputs
    const fourth = third + outputs
    for (let j = 0; j < outputs; j++) {
      result[j] =
        result[j]! + a * weights[first + j]! + b * weights[second + j]! + c * weights[third + j]! + d * weights[fourth + j]!
    }
  }
  for (; i < input.length; i++) {
    const a = input[i]!
    for (let j = 0; j < outputs; j++) result[j] = result[j]! + a * weights[i * outputs + j]!
  }
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x))
}
