import { createRandom } from '@lapwing/detection/random'
import { describe, expect, test } from 'vitest'
import { fitPrincipalComponents, principalComponentsReconstructor } from './principal-components.ts'

/** Two hidden causes move five channels; a little noise on each. */
function correlatedRows(count: number, noise: number, seed = 1) {
  const random = createRandom(seed)
  const values = new Float32Array(count * 5)
  for (let row = 0; row < count; row++) {
    const a = Math.sin(row / 9)
    const b = Math.cos(row / 23)
    values.set(
      [a, b, a + b, a - b, 2 * a].map((value) => value + noise * (random() - 0.5)),
      row * 5,
    )
  }
  return { channels: 5, count, values }
}

const windowRows = 3
const width = windowRows * 5

describe('principal components of windows', () => {
  test('give back windows that move as in training, and not others', () => {
    const rows = correlatedRows(400, 0.01)
    const reconstructor = principalComponentsReconstructor(fitPrincipalComponents(rows, windowRows, 0.999))
    const errorOf = (window: Float32Array) => {
      const out = new Float32Array(width)
      reconstructor.reconstruct(window, 1, out)
      return Math.sqrt(out.reduce((sum, value, i) => sum + (value - window[i]!) ** 2, 0) / width)
    }
    const usual = rows.values.slice(50 * 5, 50 * 5 + width)
    expect(errorOf(usual)).toBeLessThan(0.03)
    const broken = usual.slice()
    broken[12] = broken[12]! + 1
    expect(errorOf(broken)).toBeGreaterThan(0.1)
  })

  test('are the same as those of the covariance of all windows, made the long way', () => {
    const rows = correlatedRows(60, 1)
    const { mean, directions } = fitPrincipalComponents(rows, windowRows, 0.6)
    const covariance = covarianceOfWindows(rows.values, 60)
    for (let from = 0; from < directions.length; from += width) {
      const direction = directions.subarray(from, from + width)
      const image = covariance.map((row) => row.reduce((sum, value, i) => sum + value * direction[i]!, 0))
      const eigenvalue = image.reduce((sum, value, i) => sum + value * direction[i]!, 0)
      for (let i = 0; i < width; i++) expect(image[i]).toBeCloseTo(eigenvalue * direction[i]!, 5)
    }
    expect(mean[0]).toBeCloseTo(meanOf(Array.from({ length: 58 }, (_, row) => rows.values[row * 5]!)), 5)
  })

  test('keep no more directions than the wanted variance needs', () => {
    const { directions } = fitPrincipalComponents(correlatedRows(400, 0.01), windowRows, 0.5)
    expect(directions.length / width).toBe(1)
  })

  test('refuse fewer rows than a window has', () => {
    expect(() => fitPrincipalComponents(correlatedRows(2, 0), windowRows, 0.9)).toThrow(RangeError)
  })
})

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function covarianceOfWindows(values: Float32Array, count: number): number[][] {
  const windows = Array.from({ length: count - windowRows + 1 }, (_, row) => values.subarray(row * 5, row * 5 + width))
  const means = Array.from({ length: width }, (_, i) => meanOf(windows.map((window) => window[i]!)))
  return Array.from({ length: width }, (_, i) =>
    Array.from({ length: width }, (_, j) => meanOf(windows.map((window) => (window[i]! - means[i]!) * (window[j]! - means[j]!)))),
  )
}
