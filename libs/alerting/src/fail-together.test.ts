import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { failTogether, mostStarts, withStart } from './fail-together.ts'

const minuteMs = 60_000
const policy = { withinMs: minuteMs }
const days = (count: number, offsetMs = 0) => Array.from({ length: count }, (_, day) => day * 24 * 60 * minuteMs + offsetMs)
const now = 100 * 24 * 60 * minuteMs

describe('two topologies', () => {
  test('that fell ill together three times belong together the fourth time', () => {
    expect(failTogether(days(2), [...days(2, 5000), now], now, policy)).toBe(false)
    expect(failTogether(days(3), [...days(3, 5000), now - 20_000], now, policy)).toBe(true)
  })

  test('of which one often falls ill without the other do not', () => {
    expect(failTogether(days(12), [...days(3, 5000), now], now, policy)).toBe(false)
    expect(failTogether(days(3), [...days(12, 5000), now], now, policy)).toBe(false)
  })

  test('do not when the other is well now, or fell ill long before', () => {
    expect(failTogether(days(5), days(5), now, policy)).toBe(false)
    expect(failTogether(days(5), [...days(5), now - 2 * minuteMs], now, policy)).toBe(false)
  })

  test('are never joined when nobody asked for it', () => {
    expect(failTogether(days(5), [...days(5), now], now, { withinMs: 0 })).toBe(false)
  })
})

test('what is remembered is bounded and does not depend on the order of arrival', () => {
  const times = fc.uniqueArray(
    fc.nat(200).map((i) => i * 5 * minuteMs),
    { maxLength: 40 },
  )
  fc.assert(
    fc.property(times, fc.infiniteStream(fc.nat()), (starts, shuffle) => {
      const order = starts.map((atMs) => [shuffle.next().value, atMs] as const).sort((a, b) => a[0] - b[0] || a[1] - b[1])
      const all = (list: readonly number[]) => list.reduce<readonly number[]>((so, atMs) => withStart(so, atMs, policy), [])
      const known = all(order.map(([, atMs]) => atMs))
      expect(known.length).toBeLessThanOrEqual(mostStarts)
      expect(known).toEqual([...starts].sort((a, b) => a - b).slice(-mostStarts))
    }),
  )
})
