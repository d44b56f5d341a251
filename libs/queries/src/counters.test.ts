import { expect, test } from 'vitest'
import { counterEvidence, countersWithoutRate, rateWindow, withoutRawCounter } from './counters.ts'

const never = async () => false

test('a counter by name is asked for as a rate, without asking what it is', async () => {
  const asked = async () => {
    throw new Error('asked')
  }
  expect(await withoutRawCounter('x_total{a="b"}', 15_000, asked)).toBe('rate(x_total{a="b"}[120s])')
})

test('a counter by type is asked for as a rate, anything else as it stands', async () => {
  expect(await withoutRawCounter('sum(node_vmstat_pgfault)', 60_000, async () => true)).toBe(
    'sum(rate(node_vmstat_pgfault[240s]))',
  )
  expect(await withoutRawCounter('node_load1', 60_000, never)).toBe('node_load1')
  expect(await withoutRawCounter('rate(x_total[5m])', 60_000, async () => true)).toBe('rate(x_total[5m])')
})

test('parts of histograms and summaries are known by the type of the whole', () => {
  expect(counterEvidence('http_seconds_bucket')).toEqual([
    { metric: 'http_seconds_bucket', types: ['counter'] },
    { metric: 'http_seconds', types: ['histogram'] },
  ])
  expect(counterEvidence('http_seconds_sum')[1]).toEqual({ metric: 'http_seconds', types: ['histogram', 'summary'] })
  expect(counterEvidence('node_load1')).toEqual([{ metric: 'node_load1', types: ['counter'] }])
})

test('the window covers four steps and two minutes', () => {
  expect(rateWindow(15_000)).toBe('120s')
  expect(rateWindow(60_000)).toBe('240s')
})

test('counters without a rate are found anywhere in an expression, by their name or their type', async () => {
  const expression = 'x_total / y_bytes + rate(z_total[5m]) + w'
  expect(await countersWithoutRate(expression, never)).toEqual(['x_total'])
  expect(await countersWithoutRate(expression, async (metric) => metric === 'y_bytes')).toEqual(['x_total', 'y_bytes'])
})
