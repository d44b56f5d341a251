import { describe, expect, test } from 'vitest'
import { queriesOf } from './query.ts'

describe('queries', () => {
  test('a query keeps its identity whatever stands around it, and counts once', () => {
    const [alone] = queriesOf(['up'], 8)
    const among = queriesOf(['node_load1', 'up', 'up'], 8)
    expect(among).toHaveLength(2)
    expect(among[1]).toEqual(alone)
  })

  test('many queries spread over the partitions', () => {
    const queries = queriesOf(
      Array.from({ length: 200 }, (_, i) => `metric_${i}`),
      8,
    )
    expect(new Set(queries.map((query) => query.partition))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7]))
  })
})
