import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toPortions } from './kafka-records.ts'

const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 0, max: 2_000_000 })), { maxLength: 20 })
const toRecords = (lengths: number[]) =>
  lengths.map((length, i) => ({ topic: `t${i % 2}`, partition: i % 3, key: Buffer.from(`${i}`), value: Buffer.alloc(length) }))

test('portions hold every record once, in order within its topic, and fit unless one record alone does not', () => {
  fc.assert(
    fc.property(sizes, (lengths) => {
      const portions = toPortions(toRecords(lengths))
      for (const topic of ['t0', 't1']) {
        const keys = portions
          .flat()
          .flatMap((part) => (part.topic === topic ? part.messages.map(({ key }) => Number(String(key))) : []))
        expect(keys).toEqual(lengths.flatMap((_, i) => (`t${i % 2}` === topic ? [i] : [])))
      }
      for (const portion of portions) {
        const values = portion.flatMap(({ messages }) => messages.map(({ value }) => (value as Buffer).length))
        expect(values.length === 1 || values.reduce((sum, length) => sum + length, 0) < 1_000_000).toBe(true)
      }
    }),
  )
})

test('nothing to send is no portion', () => {
  expect(toPortions([])).toEqual([])
})
