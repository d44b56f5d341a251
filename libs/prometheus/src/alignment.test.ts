import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { alignDown, pointCount, splitRange } from './alignment.ts'

const stepsOf = ({ startMs, endMs, stepMs }: { startMs: number; endMs: number; stepMs: number }) =>
  Array.from({ length: pointCount({ startMs, endMs, stepMs }) }, (_, k) => startMs + k * stepMs)

describe('alignment', () => {
  test('a time on the step stays where it is', () => {
    expect(alignDown(30_000, 15_000)).toBe(30_000)
  })

  test('other times move to the step before', () => {
    expect(alignDown(44_999, 15_000)).toBe(30_000)
  })

  test('both ends of a range are evaluated', () => {
    expect(pointCount({ startMs: 0, endMs: 60_000, stepMs: 15_000 })).toBe(5)
    expect(pointCount({ startMs: 15_000, endMs: 0, stepMs: 15_000 })).toBe(0)
  })

  test('splitting covers every aligned step exactly once, whatever the size of the parts', () => {
    const ranges = fc.record({
      stepMs: fc.integer({ min: 1, max: 3_600_000 }),
      first: fc.integer({ min: 0, max: 1_000_000 }),
      steps: fc.integer({ min: 0, max: 400 }),
      points: fc.integer({ min: 1, max: 100 }),
    })
    fc.assert(
      fc.property(ranges, ({ stepMs, first, steps, points }) => {
        const range = { startMs: first * stepMs, endMs: (first + steps) * stepMs, stepMs }
        const parts = splitRange(range, points)
        expect(parts.flatMap(stepsOf)).toEqual(stepsOf(range))
        expect(Math.max(...parts.map(pointCount))).toBeLessThanOrEqual(points)
      }),
    )
  })

  test('a range that ends before it starts has no parts', () => {
    expect(splitRange({ startMs: 15_000, endMs: 0, stepMs: 15_000 }, 10)).toEqual([])
  })
})
