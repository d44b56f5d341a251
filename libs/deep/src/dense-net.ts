/**
 * A net of dense layers on typed arrays, for scoring: at one window a time several times faster than TensorFlow.js, whose cost there is
 * the dispatch of each operation. `dense-autoencoder.test.ts` holds both to the same results.
 */
import type { Reconstructor } from './reconstruction.ts'

export interface DenseLayer {
  readonly inputs: number
  readonly outputs: number
  /** `inputs` x `outputs`, row by row, as TensorFlow has it. */
  readonly weights: Float32Array
  readonly biases: Float32Array
  readonly activation: 'relu' | 'linear'
}

export function denseReconstructor(layers: readonly DenseLayer[]): Reconstructor {
  const width = layers[0]!.inputs
  const activations = layers.map(({ outputs }) => new Float64Array(outputs))
  const input = new Float64Array(width)
  return {
    width,
    reconstruct: (windows, count, out) => {
      for (let offset = 0; offset < count * width; offset += width) {
        for (let i = 0; i < width; i++) input[i] = windows[offset + i]!
        let from: Float64Array = input
        for (let i = 0; i < layers.length; i++) from = applyLayer(layers[i]!, from, activations[i]!)
        out.set(from, offset)
      }
    },
  }
}

/** Row by row of the weights, so that memory is read in order, four rows at a time, so that sums stay in registers longer. */
function applyLayer(layer: DenseLayer, input: Float64Array, output: Float64Array): Float64Array {
  const { inputs, outputs, weights, biases } = layer
  for (let j = 0; j < outputs; j++) output[j] = biases[j]!
  let i = 0
  for (; i + 3 < inputs; i += 4) {
    const a = input[i]!
    const b = input[i + 1]!
    const c = input[i + 2]!
    const d = input[i + 3]!
    if (a === 0 && b === 0 && c === 0 && d === 0) continue
    const first = i * outputs
    const second = first + outputs
    const third = second + outputs
    const fourth = third + outputs
    for (let j = 0; j < outputs; j++) {
      output[j] =
        output[j]! + a * weights[first + j]! + b * weights[second + j]! + c * weights[third + j]! + d * weights[fourth + j]!
    }
  }
  for (; i < inputs; i++) {
    const a = input[i]!
    for (let j = 0; j < outputs; j++) output[j] = output[j]! + a * weights[i * outputs + j]!
  }
  if (layer.activation === 'relu') for (let j = 0; j < outputs; j++) if (output[j]! < 0) output[j] = 0
  return output
}
