import { describe, expect, test } from 'vitest'
import { averagePrecision, eventsOf, volumeUnderSurface } from './range-auc.ts'

const rows = 300
const labels = Uint8Array.from({ length: rows }, (_, row) => Number((row >= 100 && row < 120) || (row >= 200 && row < 210)))
const shuffled = Float64Array.from({ length: rows }, (_, row) => ((row * 7919) % rows) / rows + 0.5 * labels[row]!)

describe('volume under the surface', () => {
  // The values are those of TSB-AD 1.5 (`generate_curve`, 250 thresholds) for the same rows.
  test.each([
    [0, 0.6179097828572797],
    [10, 0.6479066310131862],
    [40, 0.7198605677139321],
    [100, 0.8098215523791329],
  ])('with a buffer of %i rows is that of TSB-AD', (buffer, expected) => {
    expect(volumeUnderSurface(shuffled, labels, buffer)).toBeCloseTo(expected, 9)
  })

  test('is 1 for the labels themselves, without a buffer', () => {
    expect(volumeUnderSurface(Float64Array.from(labels), labels, 0)).toBeCloseTo(1, 9)
  })

  test('refuses labels of one kind', () => {
    expect(() => volumeUnderSurface(shuffled, new Uint8Array(rows))).toThrow(RangeError)
  })
})

describe('average precision', () => {
  test('is the precision at each hit, averaged', () => {
    expect(averagePrecision(Float64Array.of(4, 3, 2, 1), Uint8Array.of(1, 0, 1, 0))).toBeCloseTo((1 + 2 / 3) / 2, 12)
  })

  test('takes rows with equal scores together', () => {
    expect(averagePrecision(Float64Array.of(1, 1, 1, 1), Uint8Array.of(1, 0, 0, 0))).toBe(0.25)
  })
})

test('events are runs of anomalous rows', () => {
  expect(eventsOf(labels)).toEqual([
    [100, 119],
    [200, 209],
  ])
  expect(eventsOf(Uint8Array.of(1, 0, 1))).toEqual([
    [0, 0],
    [2, 2],
  ])
})
