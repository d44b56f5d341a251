import type { CheckedQuery } from '@lapwing/ingestor/check-queries'
import { QueryError } from '@lapwing/prometheus/query-errors'
import { configuredQueries } from '@lapwing/queries/configured-queries'
import { queryKeys } from '@lapwing/queries/query-settings'
import { describe, expect, test } from 'vitest'
import { checkLines, checkTable } from './check-table.ts'

const [load, counter, broken] = configuredQueries({
  metrics: queryKeys.metrics.parse([{ name: 'load', query: 'node_load1' }, 'x_total', 'sum(']),
})
const checked: CheckedQuery[] = [
  {
    query: load!,
    asked: 'node_load1',
    countersWithoutRate: [],
    costMs: 12.4,
    outcome: { series: 4, points: 400, sparse: 1, constant: 2 },
  },
  {
    query: counter!,
    asked: 'rate(x_total[120s])',
    countersWithoutRate: [],
    costMs: 3,
    outcome: { series: 0, points: 0, sparse: 0, constant: 0 },
  },
  {
    query: broken!,
    asked: 'sum(',
    countersWithoutRate: [],
    costMs: 1,
    outcome: new QueryError('bad_query', 'sum(', { detail: '1:5: parse error' }),
  },
]

describe('the outcome of a check', () => {
  test('as a table', () => {
    expect(checkTable(checked, 500_000).split('\n')).toEqual([
      'query                series  sparse  constant   cost  memory  note',
      'load                      4    25 %      50 %  12 ms  2.0 MB',
      'x_total                   0       -         -   3 ms    0 kB  no series; a counter, polled as rate(x_total[120s])',
      'sum(                 FAILED                     1 ms          Prometheus refuses the query: 1:5: parse error',
      '3 queries, 1 failed       4                    16 ms  2.0 MB',
      '',
    ])
  })

  test('as lines of JSON', () => {
    const lines = checkLines(checked, 500_000)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    expect(lines[0]).toEqual({
      name: 'load',
      origin: 'configuration',
      query: 'node_load1',
      asked: 'node_load1',
      countersWithoutRate: [],
      costMs: 12,
      series: 4,
      points: 400,
      sparseShare: 0.25,
      constantShare: 0.5,
      memoryBytes: 2_000_000,
    })
    expect(lines[2]).toMatchObject({ name: null, error: 'bad_query', message: 'Prometheus refuses the query: 1:5: parse error' })
  })
})
