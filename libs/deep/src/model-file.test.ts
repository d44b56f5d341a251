import { fitIsolationForest } from '@lapwing/detection/isolation-forest'
import { describe, expect, test } from 'vitest'
import type { MemberNet, TrainedModel } from './model.ts'
import { decodeModel, encodeModel, ModelFileError, modelDigest } from './model-file.ts'

const numbers = (length: number) => Float32Array.from({ length }, (_, i) => Math.fround(Math.sin(i + length)))

function modelOf(net: MemberNet): TrainedModel {
  return {
    kind: 'pca',
    channels: ['cpu', 'größe'],
    scale: { means: Float64Array.of(1 / 3, 2e9), deviations: Float64Array.of(0.1, 5) },
    members: [{ windowRows: 2, typicalError: 0.25, net }],
    threshold: 3.5,
    trainedRows: 1000,
    seed: 7,
  }
}

const lstmLayer = { kernel: numbers(8), recurrent: numbers(4), biases: numbers(4) }
const models = {
  'principal components': modelOf({ type: 'pca', mean: numbers(4), directions: numbers(8) }),
  'a dense net': modelOf({
    type: 'dense',
    layers: [{ inputs: 4, outputs: 4, weights: numbers(16), biases: numbers(4), activation: 'linear' }],
  }),
  'an LSTM': modelOf({
    type: 'lstm',
    windowRows: 2,
    encoder: lstmLayer,
    decoder: lstmLayer,
    output: numbers(2),
    outputBiases: numbers(2),
  }),
  'a forest': modelOf({
    type: 'iforest',
    forest: fitIsolationForest(
      { channels: 2, values: Float64Array.from(numbers(100)) },
      { trees: 3, sampleRows: 16, contamination: 0.1, seed: 1 },
    ).toBytes(),
  }),
}

describe('a model file', () => {
  test.each(Object.entries(models))('gives back %s, number by number', (_, model) => {
    expect(decodeModel(encodeModel(model))).toEqual(model)
  })

  test('is the same bytes for the same model', () => {
    const model = models['a dense net']
    expect(modelDigest(encodeModel(model))).toBe(modelDigest(encodeModel(structuredClone(model))))
  })

  test('with any byte changed is refused', () => {
    const bytes = encodeModel(models['principal components'])
    for (let at = 0; at < bytes.length; at++) {
      const changed = Uint8Array.from(bytes)
      changed[at] = changed[at]! ^ 1
      expect(() => decodeModel(changed)).toThrow(ModelFileError)
    }
  })

  test('that was cut, or is something else, is refused', () => {
    const bytes = encodeModel(models['an LSTM'])
    expect(() => decodeModel(bytes.subarray(0, bytes.length - 1))).toThrow('was changed or cut')
    expect(() => decodeModel(new Uint8Array(3))).toThrow('not a model file of this version')
    expect(() => decodeModel(new TextEncoder().encode('x'.repeat(100)))).toThrow('not a model file of this version')
  })
})
