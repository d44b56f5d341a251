import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { blockLength, createTablePool, giveBack, placeOf, resizeBlock, takeBlock } from './table-pool.ts'

describe('table pool', () => {
  test('a block is at least as long as asked for, and never block 0', () => {
    const pool = createTablePool()
    for (const words of [1, 8, 9, 100, 768]) {
      const block = takeBlock(pool, words)
      expect(block).not.toBe(0)
      expect(blockLength(block)).toBeGreaterThanOrEqual(words)
    }
    expect(() => takeBlock(pool, 769)).toThrow(RangeError)
  })

  test('what is given back is handed out again', () => {
    const pool = createTablePool()
    const block = takeBlock(pool, 20)
    giveBack(pool, block)
    expect(takeBlock(pool, 20)).toBe(block)
  })

  test('tables never touch one another, however they grow and shrink', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 768 })), { maxLength: 300 })
    fc.assert(
      fc.property(steps, (resizes) => {
        const pool = createTablePool()
        const tables = Array.from({ length: 10 }, () => ({ block: 0, used: 0 }))
        for (const [i, words] of resizes) {
          const table = tables[i]!
          table.block = resizeBlock(pool, table.block, words, Math.min(words, table.used))
          table.used = words
          const { chunk, start } = placeOf(pool, table.block)
          chunk.fill(i, start, start + words)
        }
        tables.forEach(({ block, used }, i) => {
          if (block === 0) return
          const { chunk, start } = placeOf(pool, block)
          expect(chunk.subarray(start, start + used).every((word) => word === i)).toBe(true)
        })
      }),
    )
  })
})
