import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bandGauge } from './band-gauge.ts'

test.each([
  [10, 0, 2, '────┤··············●'],
  [-2, 0, 2, '●·········├─────────'],
  [1, 0, 2, '──────────●─────────'],
  [5, 1, 1, '┤··················●'],
  [Number.NaN, 0, 1, ''],
  [Number.POSITIVE_INFINITY, 0, 1, ''],
  [1, 1, 1, ''],
])('%d in %d to %d is %s', (value, lower, upper, expected) => {
  expect(bandGauge(value, lower, upper)).toBe(expected)
})

test('it is always of one length, with one mark for the value', () => {
  const number = fc.double({ noNaN: true, min: -1e300, max: 1e300 })
  fc.assert(
    fc.property(number, number, number, (value, a, b) => {
      const gauge = bandGauge(value, Math.min(a, b), Math.max(a, b))
      if (gauge !== '') expect([gauge.length, gauge.split('●').length]).toEqual([20, 2])
    }),
  )
})
