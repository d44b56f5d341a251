import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { limitHold, requiredScore, withSent } from './limits.ts'

const budget = { notifications: 10, perMs: 1000 }
const rateLimit = { notifications: 2, perMs: 10 }
const limits = { budget, rateLimit: undefined }
const warning = { severity: 'warning', score: 2 } as const
const sent = (count: number, atMs = 100) => Array.from({ length: count }, () => atMs)

describe('a budget', () => {
  test('asks for no more than an anomaly while half of it is left, then for more and more', () => {
    expect([0, 5, 6, 8, 9, 10].map((count) => requiredScore(sent(count), budget, 100))).toEqual([
      1,
      1,
      expect.closeTo(1.25),
      expect.closeTo(2.5),
      expect.closeTo(5),
      Infinity,
    ])
  })

  test('holds what is below, says so, and has room again when the oldest is old enough', () => {
    expect(limitHold(warning, sent(8), limits, 200)).toEqual({
      reason: 'over_budget',
      detail: 'score 2.00 is below 2.50',
      untilMs: 1100,
    })
    expect(limitHold({ ...warning, score: 3 }, sent(8), limits, 200)).toBeUndefined()
    expect(limitHold(warning, sent(8), limits, 1100)).toBeUndefined()
  })

  test('never holds what is critical', () => {
    expect(limitHold({ severity: 'critical', score: 1.1 }, sent(50), limits, 200)).toBeUndefined()
  })

  test('is never overdrawn by warnings, however many come', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ score: fc.double({ min: 1, max: 1e9, noNaN: true }), gap: fc.nat(200) })), (events) => {
        let nowMs = 0
        let told: readonly number[] = []
        for (const { score, gap } of events) {
          nowMs += gap
          if (!limitHold({ severity: 'warning', score }, told, limits, nowMs)) told = withSent(told, nowMs, limits)
          expect(told.filter((atMs) => atMs > nowMs - budget.perMs).length).toBeLessThanOrEqual(budget.notifications)
        }
      }),
    )
  })
})

test('a rate limit holds everything, the critical too', () => {
  const limited = { budget: undefined, rateLimit }
  expect(limitHold({ severity: 'critical', score: 9 }, [95, 99], limited, 100)).toEqual({
    reason: 'rate_limited',
    detail: '',
    untilMs: 105,
  })
  expect(limitHold(warning, [95, 99], limited, 105)).toBeUndefined()
})
