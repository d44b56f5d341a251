import { describe, expect, test } from 'vitest'
import { loadTensorFlow, TensorFlowError } from './tensorflow.ts'

describe('the choice of a TensorFlow backend', () => {
  test.each(['wasm', 'cpu'])('%s by name computes', async (name) => {
    const { tf, backend, passedOver } = await loadTensorFlow(name)
    expect(backend).toBe(name)
    expect(tf.getBackend()).toBe(name)
    expect(passedOver).toEqual([])
    expect(tf.tidy(() => tf.tensor1d([1, 2]).add(1).dataSync())).toEqual(Float32Array.of(2, 3))
  })

  test('auto takes the first that loads, and says why it passed over those before it', async () => {
    const { backend, passedOver } = await loadTensorFlow('auto')
    expect(passedOver).toHaveLength(['native', 'wasm', 'cpu'].indexOf(backend))
    for (const reason of passedOver)
      expect(reason).toMatch(/^TensorFlow backend native: .+ \(to build it: npm run tensorflow:native\)$/)
  })

  test('a name that is no backend is told', async () => {
    await expect(loadTensorFlow('gpu')).rejects.toThrow(TensorFlowError)
    await expect(loadTensorFlow('gpu')).rejects.toThrow('LAPWING_TF_BACKEND: expected auto, native, wasm, cpu, found "gpu"')
  })
})
