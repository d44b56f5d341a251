import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRecentCache } from './recent-cache.ts'

describe('recent cache', () => {
  test('an entry survives as long as at most limit - 1 others were used since', () => {
    const keys = fc.array(fc.integer({ min: 0, max: 9 }).map(String), { maxLength: 200 })
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 8 }), (used, limit) => {
        const cache = createRecentCache<string>(limit)
        used.forEach((key, i) => {
          const found = cache.get(key)
          const since = used.slice(used.lastIndexOf(key, i - 1) + 1, i)
          if (i > 0 && used.lastIndexOf(key, i - 1) !== -1 && new Set(since).size < limit) expect(found).toBe(key)
          if (found === undefined) cache.set(key, key)
        })
      }),
    )
  })

  test('forgets what was not used for twice the limit', () => {
    const cache = createRecentCache<number>(2)
    for (const [value, key] of ['a', 'b', 'c', 'd', 'e'].entries()) cache.set(key, value)
    expect(cache.get('a')).toBeUndefined()
    expect(cache.get('e')).toBe(4)
  })

  test('a heavy entry counts as several', () => {
    const cache = createRecentCache<string>(4, (key) => key.length)
    for (const key of ['long', 'a', 'b']) cache.set(key, key)
    expect(cache.generation).toBe(1)
    for (const key of ['c', 'd', 'e']) cache.set(key, key)
    expect([cache.generation, cache.get('long'), cache.get('a')]).toEqual([2, undefined, 'a'])
  })
})
