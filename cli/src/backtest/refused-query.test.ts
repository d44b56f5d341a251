import { QueryError } from '@lapwing/prometheus/query-errors'
import { expect, test } from 'vitest'
import { UserError } from '../user-error.ts'
import { refusedQuery } from './refused-query.ts'

test('a query that does not parse is shown with a mark at the place, in its line', () => {
  const error = new QueryError('bad_query', 'sum(\n  rate(x[5m)\n)', {
    detail: 'invalid parameter "query": 2:10: parse error: unexpected ")"',
  })
  const refused = refusedQuery(error)
  expect(refused).toBeInstanceOf(UserError)
  expect(refused.message).toContain('parse error: unexpected ")"')
  expect(refused.message.split('\n').slice(-2)).toEqual(['    rate(x[5m)', `  ${' '.repeat(9)}^`])
})

test('what the query is not to blame for is told as it is', () => {
  const error = new QueryError('unreachable', 'up', { detail: 'ECONNREFUSED' })
  expect(refusedQuery(error).message).toBe(error.message)
})
