/**
 * One LSTM layer over all rows of a batch of windows, forward and back.
 *
 * Everything that the way back needs is kept: states and cell memories of each row, and the activated gates. Rows come first, windows second.
 */
import { addInputGradient, addProduct, addWeightGradient } from './matrix-products.ts'

export interface LstmPass {
  /** States after each row, windows x units each. */
  readonly states: Float64Array
  /** Where in `states` those after row `t` begin; row -1 is the beginning. */
  stateAt(t: number): number
  /** Gradient of the loss in the states after row `t`, to be filled before the way back; it is cleared there. */
  stateErrors(t: number): Float64Array
  /** @param rowStride distance of the inputs of neighbouring rows; 0 when each row gets the same */
  forward(input: Float64Array, rowStride: number, count: number): void
  /** Adds to the gradients of kernel, recurrent kernel and biases, and to that of the inputs, summed over rows, when it is wanted. */
  backward(
    gradients: readonly Float64Array[],
    input: Float64Array,
    rowStride: number,
    count: number,
    inputErrors?: Float64Array,
  ): void
}

export interface LstmPassShape {
  readonly windowRows: number
  readonly inputs: number
  readonly units: number
}

/** @param parameters kernel, recurrent kernel, biases; gates in the order input, forget, candidate, output */
export function createLstmPass(shape: LstmPassShape, parameters: readonly Float64Array[], batchWindows: number): LstmPass {
  const { windowRows, inputs, units } = shape
  const [kernel, recurrent, biases] = parameters as [Float64Array, Float64Array, Float64Array]
  const size = batchWindows * units
  const states = new Float64Array((windowRows + 1) * size)
  const memories = new Float64Array((windowRows + 1) * size)
  const gates = new Float64Array(windowRows * 4 * size)
  const stateErrors = Array.from({ length: windowRows }, () => new Float64Array(size))
  const carriedState = new Float64Array(size)
  const carriedMemory = new Float64Array(size)
  const gateErrors = new Float64Array(4 * size)

  const activate = (t: number, count: number) => {
    for (let k = 0; k < count; k++) {
      const at = t * 4 * size + k * 4 * units
      for (let j = 0; j < units; j++) {
        const open = logistic(gates[at + j]!)
        const kept = logistic(gates[at + units + j]!)
        const candidate = Math.tanh(gates[at + 2 * units + j]!)
        const shown = logistic(gates[at + 3 * units + j]!)
        const unit = k * units + j
        const memory = kept * memories[t * size + unit]! + open * candidate
        memories[(t + 1) * size + unit] = memory
        states[(t + 1) * size + unit] = shown * Math.tanh(memory)
        gates[at + j] = open
        gates[at + units + j] = kept
        gates[at + 2 * units + j] = candidate
        gates[at + 3 * units + j] = shown
      }
    }
  }

  /** From the errors of the states after row `t` to those of its gates before activation. */
  const backThroughGates = (t: number, count: number) => {
    for (let k = 0; k < count; k++) {
      const at = t * 4 * size + k * 4 * units
      const to = k * 4 * units
      for (let j = 0; j < units; j++) {
        const unit = k * units + j
        const open = gates[at + j]!
        const kept = gates[at + units + j]!
        const candidate = gates[at + 2 * units + j]!
        const shown = gates[at + 3 * units + j]!
        const squashed = Math.tanh(memories[(t + 1) * size + unit]!)
        const stateError = stateErrors[t]![unit]! + carriedState[unit]!
        const memoryError = carriedMemory[unit]! + stateError * shown * (1 - squashed * squashed)
        gateErrors[to + j] = memoryError * candidate * open * (1 - open)
        gateErrors[to + units + j] = memoryError * memories[t * size + unit]! * kept * (1 - kept)
        gateErrors[to + 2 * units + j] = memoryError * open * (1 - candidate * candidate)
        gateErrors[to + 3 * units + j] = stateError * squashed * shown * (1 - shown)
        carriedMemory[unit] = memoryError * kept
      }
    }
  }

  return {
    states,
    stateAt: (t) => (t + 1) * size,
    stateErrors: (t) => stateErrors[t]!,
    forward: (input, rowStride, count) => {
      for (let t = 0; t < windowRows; t++) {
        const at = t * 4 * size
        for (let k = 0; k < count; k++) gates.set(biases, at + k * 4 * units)
        addProduct(input, t * rowStride, kernel, gates, at, count, inputs, 4 * units)
        addProduct(states, t * size, recurrent, gates, at, count, units, 4 * units)
        activate(t, count)
      }
    },
    backward: (gradients, input, rowStride, count, inputErrors) => {
      const [kernelGradient, recurrentGradient, biasGradient] = gradients as [Float64Array, Float64Array, Float64Array]
      carriedState.fill(0)
      carriedMemory.fill(0)
      for (let t = windowRows - 1; t >= 0; t--) {
        backThroughGates(t, count)
        stateErrors[t]!.fill(0)
        addWeightGradient(input, t * rowStride, gateErrors, 0, kernelGradient, count, inputs, 4 * units)
        addWeightGradient(states, t * size, gateErrors, 0, recurrentGradient, count, units, 4 * units)
        addColumns(gateErrors, biasGradient, count)
        carriedState.fill(0)
        addInputGradient(gateErrors, 0, recurrent, carriedState, 0, count, units, 4 * units)
        if (inputErrors) addInputGradient(gateErrors, 0, kernel, inputErrors, 0, count, inputs, 4 * units)
      }
    },
  }
}

function addColumns(errors: Float64Array, sums: Float64Array, count: number): void {
  for (let k = 0; k < count; k++) {
    for (let j = 0; j < sums.length; j++) sums[j] = sums[j]! + errors[k * sums.length + j]!
  }
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x))
}
