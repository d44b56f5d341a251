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
  const widest = Math.max(width, ...layers.map(({ outputs }) => outputs))
  // Float64 throughout: converting each weight as it is read costs more than reading twice the bytes.
  const wide = layers.map((layer) => ({ ...layer, weights: Float64Array.from(layer.weights) }))
  let from = new Float64Array(windowsTogether * widest)
  let to = new Float64Array(windowsTogether * widest)
  return {
    width,
    reconstruct: (windows, count, out) => {
      for (let first = 0; first < count; first += windowsTogether) {
        const together = Math.min(windowsTogether, count - first)
        for (let i = 0; i < together * width; i++) from[i] = windows[first * width + i]!
        for (const layer of wide) {
          applyLayer(layer, from, to, together)
          const swapped = from
          from = to
          to = swapped
        }
        for (let i = 0; i < together * width; i++) out[first * width + i] = from[i]!
      }
    },
  }
}

/** Their activations and a row of weights stay in the first cache. */
const windowsTogether = 16

interface WideLayer extends Omit<DenseLayer, 'weights'> {
  readonly weights: Float64Array
}

function applyLayer(
  { inputs, outputs, weights, biases, activation }: WideLayer,
  from: Float64Array,
  to: Float64Array,
  count: number,
) {
  for (let k = 0; k < count; k++) to.set(biases, k * outputs)
  let i = 0
  for (; i + 3 < inputs; i += 4) addFourInputs(from, to, weights, i, inputs, outputs, count)
  for (; i < inputs; i++) {
    for (let k = 0; k < count; k++) {
      const input = from[k * inputs + i]!
      for (let j = 0; j < outputs; j++) to[k * outputs + j] = to[k * outputs + j]! + input * weights[i * outputs + j]!
    }
  }
  if (activation === 'relu') for (let j = 0; j < count * outputs; j++) to[j] = Math.max(0, to[j]!)
}

/** Two windows at a time share the reading of the weights, four inputs that of the sums. */
function addFourInputs(
  from: Float64Array,
  to: Float64Array,
  weights: Float64Array,
  i: number,
  inputs: number,
  outputs: number,
  count: number,
): void {
  const w0 = i * outputs
  const w1 = w0 + outputs
  const w2 = w1 + outputs
  const w3 = w2 + outputs
  for (let k = 0; k < count; k += 2) {
    const second = k + 1 < count ? k + 1 : k
    const f = k * inputs + i
    const g = second * inputs + i
    const a0 = from[f]!
    const a1 = from[f + 1]!
    const a2 = from[f + 2]!
    const a3 = from[f + 3]!
    const b0 = from[g]!
    const b1 = from[g + 1]!
    const b2 = from[g + 2]!
    const b3 = from[g + 3]!
    const first = k * outputs
    const other = second * outputs
    for (let j = 0; j < outputs; j++) {
      const x0 = weights[w0 + j]!
      const x1 = weights[w1 + j]!
      const x2 = weights[w2 + j]!
      const x3 = weights[w3 + j]!
      const sum = to[first + j]! + a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
      if (second !== k) to[other + j] = to[other + j]! + b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
      to[first + j] = sum
    }
  }
}
