import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Adwin, balancedAdwin } from './adwin.ts'
import { createRandom } from './random.ts'

describe('adwin', () => {
  test('stays silent on a stationary stream', () => {
    const random = createRandom(1)
    const adwin = new Adwin(balancedAdwin)
    let alarms = 0
    for (let i = 0; i < 100_000; i++) if (adwin.update(random())) alarms++
    expect(alarms).toBeLessThanOrEqual(1)
  })

  test('the mean is that of the values in the window', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 400 }), (values) => {
        const adwin = new Adwin(balancedAdwin)
        for (const value of values) adwin.update(value)
        const kept = values.slice(values.length - adwin.width)
        expect(adwin.mean).toBeCloseTo(kept.reduce((sum, value) => sum + value, 0) / kept.length, 3)
      }),
    )
  })

  test('a restored window continues bit for bit', () => {
    const number = fc.double({ min: -1e3, max: 1e3, noNaN: true })
    fc.assert(
      fc.property(fc.array(number, { maxLength: 300 }), fc.array(number, { minLength: 1, maxLength: 300 }), (before, after) => {
        const whole = new Adwin(balancedAdwin)
        for (const value of before) whole.update(value)
        const restored = Adwin.restore(balancedAdwin, whole.snapshot())
        for (const value of after) expect(restored.update(value)).toBe(whole.update(value))
        expect(restored.snapshot()).toEqual(whole.snapshot())
      }),
    )
  })

  test('numbers that are no snapshot are refused', () => {
    expect(() => Adwin.restore(balancedAdwin, new Float64Array(3))).toThrow(RangeError)
    expect(() => Adwin.restore(balancedAdwin, Float64Array.of(1, 0, 0, 0, 0, 9))).toThrow(RangeError)
  })
})
