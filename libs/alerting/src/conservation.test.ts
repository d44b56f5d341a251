import { expect, test } from 'vitest'
import { conservationBreaches } from './conservation.ts'

test('holds when every record is delivered, suppressed, dead-lettered or pending', () => {
  const outcomes = [
    { recordId: 'a', outcome: 'delivered' },
    { recordId: 'b', outcome: 'suppressed' },
    { recordId: 'c', outcome: 'dead_lettered' },
    { recordId: 'a', outcome: 'delivered' },
  ] as const
  expect(conservationBreaches(['a', 'b', 'c', 'd'], outcomes, ['d'])).toEqual([])
})

test('a lost record and one with two outcomes do not cancel out', () => {
  const outcomes = [
    { recordId: 'a', outcome: 'delivered' },
    { recordId: 'a', outcome: 'suppressed' },
  ] as const
  expect(conservationBreaches(['a', 'b'], outcomes, [])).toEqual(['b has no outcome', 'a is delivered and suppressed'])
})

test('an outcome of nothing is a breach', () => {
  expect(conservationBreaches([], [{ recordId: 'x', outcome: 'delivered' }], [])).toEqual([
    'x has an outcome but was never accepted',
  ])
})
