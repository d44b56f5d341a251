/** Slots against a Map: what is found, under which number, and that a slot taken back serves again. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSeriesSlots } from './series-slots.ts'

/** Keys whose first bytes, which serve as the hash, are often the same. */
function keyOf(n: number): Uint8Array {
  const key = new Uint8Array(16)
  key[0] = n % 5
  key[15] = n
  return key
}

const step = fc.record({ act: fc.constantFrom('add', 'remove', 'find'), key: fc.nat(60) })

test('finds what was added and not what was removed, whatever the order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const slots = createSeriesSlots()
      const model = new Map<number, number>()
      let most = 0
      for (const { act, key } of steps) {
        if (act === 'add') model.set(key, slots.findOrAdd(keyOf(key), 0))
        const slot = model.get(key)
        if (act === 'remove' && slot !== undefined) {
          slots.remove(slot)
          model.delete(key)
        }
        most = Math.max(most, model.size)
        expect(slots.find(keyOf(key), 0)).toBe(model.get(key) ?? -1)
      }
      expect(slots.size).toBe(model.size)
      expect([...slots.used()].sort()).toEqual([...model.values()].sort())
      for (const [key, slot] of model) {
        expect(slots.find(keyOf(key), 0)).toBe(slot)
        expect(slots.keyOf(slot)).toEqual(keyOf(key))
        expect(slot).toBeLessThan(most)
      }
    }),
  )
})

test('grows past its first size with holes in it', () => {
  const slots = createSeriesSlots()
  const keys = Array.from({ length: 3000 }, (_, i) =>
    Uint8Array.from({ length: 16 }, (_, byte) => (i * 2654435761) >>> ((byte % 4) * 8)),
  )
  const first = keys.slice(0, 400).map((key) => slots.findOrAdd(key, 0))
  for (const slot of first.slice(0, 100)) slots.remove(slot)
  const all = new Set(keys.slice(100).map((key) => slots.findOrAdd(key, 0)))
  expect(all.size).toBe(2900)
  expect(slots.size).toBe(2900)
  expect(keys.slice(0, 100).map((key) => slots.find(key, 0))).toEqual(Array(100).fill(-1))
})
