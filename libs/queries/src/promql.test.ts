import { describe, expect, test } from 'vitest'
import { instantMetrics, isPlainSelector, ratedMetric, withRate } from './promql.ts'

describe('metrics that an expression reads as they are', () => {
  test.each([
    ['node_load1', ['node_load1']],
    ['sum by (job) (http_requests_total{code="500"}) / up', ['http_requests_total', 'up']],
    ['rate(http_requests_total[5m])', []],
    ['max_over_time(rate(x_total[5m])[1h:1m])', []],
    ['count by (job) (x_total) + timestamp(y_total) + absent(z_total)', []],
    ['{anomaly_name!=""}', []],
    ['this is (not PromQL', ['this']],
  ])('%s: %j', (promql, metrics) => {
    expect(instantMetrics(promql)).toEqual(metrics)
  })
})

describe('the rate in the place of a counter', () => {
  test.each([
    ['x_total', 'rate(x_total[2m])'],
    ['(x_total{a="b[c]"})', '(rate(x_total{a="b[c]"}[2m]))'],
    ['x_total offset 5m', 'rate(x_total[2m] offset 5m)'],
    ['sum by (job) (x_total)', 'sum by (job) (rate(x_total[2m]))'],
    ['sum(x_total) by (job)', 'sum(rate(x_total[2m])) by (job)'],
    ['max without (cpu) (sum by (cpu) (x_total))', 'max without (cpu) (sum by (cpu) (rate(x_total[2m])))'],
  ])('%s', (promql, rated) => {
    expect(ratedMetric(promql)).toBe('x_total')
    expect(withRate(promql, '2m')).toBe(rated)
  })

  test.each([
    ['rate(x_total[5m])'],
    ['x_total - x_total offset 1h'],
    ['topk(3, x_total)'],
    ['count(x_total)'],
    ['sum('],
    ['x_total y'],
    [''],
  ])('nothing is put into %j', (promql) => {
    expect(ratedMetric(promql)).toBeUndefined()
    expect(withRate(promql, '2m')).toBeUndefined()
  })
})

test.each([
  ['up', true],
  ['up{job="a"}', true],
  ['{anomaly_name!=""}', true],
  ['up offset 5m', false],
  ['up[5m]', false],
  ['sum(up)', false],
])('%s is one selector: %s', (promql, plain) => {
  expect(isPlainSelector(promql)).toBe(plain)
})
