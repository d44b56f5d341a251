import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Forest, growForest, locate, unitLimits } from './half-space-forest.ts'

const options = { trees: 7, height: 5, limits: unitLimits(1), seed: 42 }
const anyNumber = fc.oneof(fc.double({ min: -0.5, max: 1.5 }), fc.double())

function leavesOf(forest: Forest, point: readonly number[]): number[] {
  const leaves = new Uint16Array(forest.trees)
  locate(forest, Float64Array.from(point), leaves)
  return [...leaves]
}

describe('half-space forest', () => {
  test('the same seed grows the same forest, another seed another', () => {
    expect(growForest(options).cutAt).toEqual(growForest(options).cutAt)
    expect(growForest({ ...options, seed: 43 }).cutAt).not.toEqual(growForest(options).cutAt)
  })

  test('a search among intervals finds the leaves that a walk finds', () => {
    const forest = growForest(options)
    const walked: Forest = { ...forest, intervals: undefined }
    const onAnEdge = fc.constantFrom(...forest.cutAt)
    fc.assert(
      fc.property(fc.oneof(anyNumber, onAnEdge), (value) => {
        expect(leavesOf(forest, [value])).toEqual(leavesOf(walked, [value]))
      }),
    )
    expect(forest.intervals).toBeDefined()
  })

  test('each point has one leaf in each tree, whatever its numbers', () => {
    const forest = growForest({ ...options, limits: unitLimits(3) })
    fc.assert(
      fc.property(fc.tuple(anyNumber, anyNumber, anyNumber), (point) => {
        for (const leaf of leavesOf(forest, point)) expect(leaf).toBeLessThan(forest.leavesPerTree)
      }),
    )
  })

  test('leaves are numbered from below, and no cut lies in the padding of its box', () => {
    const { cutAt } = growForest({ ...options, trees: 1 })
    const leaf = (value: number) => leavesOf(growForest({ ...options, trees: 1 }), [value])[0]!
    expect(leaf(-1)).toBe(0)
    expect(leaf(2)).toBe(31)
    expect(cutAt[0]).toBeGreaterThan(0.15)
    expect(cutAt[0]).toBeLessThan(0.85)
  })

  test.each([
    [{ ...options, height: 16 }, 'height 16, expected 1 to 15'],
    [{ ...options, trees: 0 }, '0 trees, expected 1 or more'],
    [{ ...options, limits: [] }, '0 features, expected 1 to 256'],
    [{ ...options, limits: [[1, 1] as const] }, 'limits 1 to 1 of feature 0'],
    [{ ...options, limits: [[0, Number.POSITIVE_INFINITY] as const] }, 'limits 0 to Infinity of feature 0'],
  ])('an option out of range is refused (%#)', (wrong, message) => {
    expect(() => growForest(wrong)).toThrow(new RangeError(message))
  })
})
