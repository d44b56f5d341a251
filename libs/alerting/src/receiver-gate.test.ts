import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { afterAnswer, afterFailure, backoffMs, openGate } from './receiver-gate.ts'

const failure = { spacingMs: 0, requestedDelayMs: undefined, chance: 1 }

describe('the gate', () => {
  test('keeps the spacing after an answer and forgets earlier failures', () => {
    expect(afterAnswer(5000, 1000)).toEqual({ opensAtMs: 6000, failures: 0 })
  })

  test('waits twice as long after each failure, up to a minute', () => {
    expect([0, 1, 2, 5, 6, 40].map((failures) => backoffMs(failures, 1))).toEqual([1000, 2000, 4000, 32_000, 60_000, 60_000])
  })

  test('waits as long as the receiver asks, but neither for no time nor for days', () => {
    const waits = [30_000, 0, 1e12].map(
      (requestedDelayMs) => afterFailure(openGate, 0, { ...failure, requestedDelayMs }).opensAtMs,
    )
    expect(waits).toEqual([30_000, 500, 3_600_000])
  })

  test('never opens sooner than the spacing allows', () => {
    expect(afterFailure(openGate, 0, { ...failure, spacingMs: 1000, chance: 0 }).opensAtMs).toBe(1000)
  })

  test('jitter stays in the upper half of the wait', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.double({ min: 0, max: 1, noNaN: true }), (failures, chance) => {
        const longest = backoffMs(failures, 1)
        expect(backoffMs(failures, chance)).toBeGreaterThanOrEqual(longest / 2)
        expect(backoffMs(failures, chance)).toBeLessThanOrEqual(longest)
      }),
    )
  })
})
