import fc from 'fast-check'
import { expect, test } from 'vitest'
import { assignPartitions, type GroupMember } from './partition-assignment.ts'

const partitionCount = fc.integer({ min: 0, max: 48 })
const members: fc.Arbitrary<GroupMember[]> = fc.uniqueArray(
  fc.record({ id: fc.string(), claims: fc.array(fc.integer({ min: -2, max: 60 })) }),
  { minLength: 1, maxLength: 10, selector: ({ id }) => id },
)

test('every partition has exactly one owner, and shares differ by at most one', () => {
  fc.assert(
    fc.property(members, partitionCount, (group, partitions) => {
      const assigned = assignPartitions(group, partitions)
      const all = [...assigned.values()].flat().sort((a, b) => a - b)
      expect(all).toEqual(Array.from({ length: partitions }, (_, i) => i))
      const shares = [...assigned.values()].map((own) => own.length)
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
    }),
  )
})

test('the order of the members does not matter, and doing it again moves nothing', () => {
  fc.assert(
    fc.property(members, partitionCount, (group, partitions) => {
      const assigned = assignPartitions(group, partitions)
      expect(new Map(assignPartitions(group.toReversed(), partitions))).toEqual(new Map(assigned))
      const settled = [...assigned].map(([id, claims]) => ({ id, claims }))
      expect(assignPartitions(settled, partitions)).toEqual(assigned)
    }),
  )
})

test('who joins takes only what the others have too much of', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), partitionCount, (size, partitions) => {
      const group = Array.from({ length: size }, (_, i) => ({ id: `m${i}`, claims: [] }))
      const before = assignPartitions(group, partitions)
      const joined = [...group.map(({ id }) => ({ id, claims: before.get(id)! })), { id: 'new', claims: [] }]
      const after = assignPartitions(joined, partitions)
      for (const { id } of group) expect(before.get(id)).toEqual(expect.arrayContaining(after.get(id)!))
    }),
  )
})

test('who stays keeps everything when another leaves', () => {
  expect(
    assignPartitions(
      [
        { id: 'a', claims: [0, 3] },
        { id: 'b', claims: [1, 4] },
      ],
      6,
    ),
  ).toEqual(
    new Map([
      ['a', [0, 2, 3]],
      ['b', [1, 4, 5]],
    ]),
  )
})
