import { sampleFlags } from '@lapwing/contracts/series-state'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fillGaps } from './fill.ts'

const policy = { startMs: 0, stepMs: 10, longestGapMs: 30 }
const { imputed } = sampleFlags

describe('filling gaps', () => {
  test('carries the last value forward and marks it', () => {
    expect(fillGaps({ timestampsMs: [0, 30], values: [1, 4] }, policy)).toEqual({
      timestampsMs: [0, 10, 20, 30],
      values: [1, 1, 1, 4],
      flags: [0, imputed, imputed, 0],
    })
  })

  test('carries the first value back to the start of the range', () => {
    expect(fillGaps({ timestampsMs: [20], values: [7] }, policy)).toEqual({
      timestampsMs: [0, 10, 20],
      values: [7, 7, 7],
      flags: [imputed, imputed, 0],
    })
  })

  test('fills a gap of just the limit, and nothing of a longer one', () => {
    expect(fillGaps({ timestampsMs: [0, 40], values: [1, 2] }, policy).timestampsMs).toEqual([0, 10, 20, 30, 40])
    expect(fillGaps({ timestampsMs: [0, 50], values: [1, 2] }, policy).timestampsMs).toEqual([0, 50])
  })

  test('adds nothing after the last point, and nothing to no points', () => {
    expect(fillGaps({ timestampsMs: [0], values: [1] }, policy).timestampsMs).toEqual([0])
    expect(fillGaps({ timestampsMs: [], values: [] }, policy).timestampsMs).toEqual([])
  })

  test('every real point survives unmarked, all timestamps rise on the step, and a made-up value is a neighbour of its gap', () => {
    const steps = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 30 })
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 200 }), (chosen, longestGapMs) => {
        const timestampsMs = chosen.sort((a, b) => a - b).map((step) => step * 10)
        const values = timestampsMs.map((timestampMs) => timestampMs / 10)
        const filled = fillGaps({ timestampsMs, values }, { ...policy, longestGapMs })
        expect(filled.timestampsMs.filter((_, i) => filled.flags[i] === 0)).toEqual(timestampsMs)
        filled.timestampsMs.forEach((timestampMs, i) => {
          expect(timestampMs % 10).toBe(0)
          if (i > 0) expect(timestampMs).toBeGreaterThan(filled.timestampsMs[i - 1]!)
          if (filled.flags[i] === imputed) expect(values).toContain(filled.values[i])
        })
      }),
    )
  })
})
