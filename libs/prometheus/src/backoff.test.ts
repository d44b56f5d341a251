import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backoffMs, retryAfterMs } from './backoff.ts'

const policy = { firstMs: 500, longestMs: 60_000 }
const nowMs = Date.UTC(2026, 0, 1)

describe('backoff', () => {
  test('doubles with each failure up to the longest delay', () => {
    const delays = [1, 2, 3, 8, 50].map((attempt) => backoffMs(attempt, policy, () => 1, 0))
    expect(delays).toEqual([500, 1000, 2000, 60_000, 60_000])
  })

  test('never draws less than half of the delay', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, drawn) => {
        const delayMs = backoffMs(attempt, policy, () => drawn, 0)
        const fullMs = Math.min(60_000, 500 * 2 ** (attempt - 1))
        expect(delayMs).toBeGreaterThanOrEqual(fullMs / 2)
        expect(delayMs).toBeLessThan(fullMs)
      }),
    )
  })

  test('waits as long as the server asked for', () => {
    expect(backoffMs(1, policy, () => 0, 120_000)).toBe(120_000)
  })
})

describe('Retry-After', () => {
  test('is read as seconds and as a date', () => {
    expect(retryAfterMs('7', nowMs)).toBe(7000)
    expect(retryAfterMs('Thu, 01 Jan 2026 00:00:30 GMT', nowMs)).toBe(30_000)
  })

  test('is nothing when absent, unreadable or in the past', () => {
    expect([null, 'soon', 'Thu, 01 Jan 2015 00:00:30 GMT'].map((header) => retryAfterMs(header, nowMs))).toEqual([0, 0, 0])
  })

  test('is bounded: a server cannot send a client away for a year', () => {
    expect(retryAfterMs('99999999', nowMs)).toBe(3_600_000)
  })
})
