import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createPythonRandom } from './python-random.ts'

describe('the random numbers of Python', () => {
  /** `random.Random(seed).random()` of CPython 3.11. */
  test.each([
    [42, 0.6394267984578837],
    [0, 0.8444218515250481],
    [-3, 0.23796462709189137],
    [2 ** 40 + 7, 0.6137037779936511],
  ])('seed %d begins as in Python', (seed, first) => {
    expect(createPythonRandom(seed)()).toBe(first)
  })

  test('goes on as in Python past the first 312 numbers, where the state is made anew', () => {
    const random = createPythonRandom(42)
    for (let i = 0; i < 1000; i++) random()
    expect(random()).toBe(0.09935462460613032)
  })

  test('every number lies in [0, 1)', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (seed) => {
        const random = createPythonRandom(seed)
        for (let i = 0; i < 20; i++) {
          const number = random()
          expect(number).toBeGreaterThanOrEqual(0)
          expect(number).toBeLessThan(1)
        }
      }),
    )
  })

  test('a seed that is no whole number is refused', () => {
    expect(() => createPythonRandom(0.5)).toThrow('seed 0.5, expected a whole number')
  })
})
