import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toPortions } from './kafka-records.ts'

const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 0, max: 2_000_000 })), { maxLength: 20 })
const sum = (lengths: number[]) => lengths.reduce((total, length) => total + length, 0)
const toRecords = (lengths: number[]) =>
  lengths.map((length, i) => ({ topic: `t${i % 2}`, partition: i % 3, key: Buffer.from(`${i}`), value: Buffer.alloc(length) }))

test('portions hold every record once, in order within its topic, and fit their partition and the request unless one record alone does not', () => {
  fc.assert(
    fc.property(sizes, (lengths) => {
      const portions = [...toPortions(toRecords(lengths))]
      for (const topic of ['t0', 't1']) {
        const keys = portions
          .flat()
          .flatMap((part) => (part.topic === topic ? part.messages.map(({ key }) => Number(String(key))) : []))
        expect(keys).toEqual(lengths.flatMap((_, i) => (`t${i % 2}` === topic ? [i] : [])))
      }
      for (const portion of portions) {
        const placed = portion.flatMap(({ topic, messages }) =>
          messages.map(({ partition, value }) => [`${topic}/${partition}`, (value as Buffer).length] as const),
        )
        for (const [place] of placed) {
          const values = placed.filter(([other]) => other === place)
          expect(values.length === 1 || sum(values.map(([, length]) => length)) < 1_000_000).toBe(true)
        }
        expect(placed.length === 1 || sum(placed.map(([, length]) => length)) <= 4 * 1024 * 1024).toBe(true)
      }
    }),
  )
})

test('nothing to send is no portion', () => {
  expect([...toPortions([])]).toEqual([])
})

test('many small records are several portions', () => {
  const counts = [...toPortions(toRecords(Array.from({ length: 2500 }, () => 1)))].map((portion) =>
    sum(portion.map(({ messages }) => messages.length)),
  )
  expect(counts).toEqual([1000, 1000, 500])
})
