import { describe, expect, test } from 'vitest'
import { formatDuration, formatTicks, formatValue, unitOf } from './format.ts'

describe('unit of a metric', () => {
  test.each([
    ['process_resident_memory_bytes', 'bytes'],
    ['node_network_receive_bytes_total', 'bytes'],
    ['rate(node_network_receive_bytes_total[5m])', 'bytes'],
    ['http_request_duration_seconds', 'seconds'],
    ['http_request_duration_seconds_sum', 'seconds'],
    ['http_request_duration_seconds_count', ''],
    ['http_response_size_bytes_bucket', ''],
    ['rate(process_cpu_seconds_total[1m])', ''],
    ['cache_hit_ratio', 'ratio'],
    ['disk_used_percent', 'percent'],
    ['node_load1', ''],
    ['', ''],
  ])('%s is in %j', (metric, unit) => {
    expect(unitOf(metric)).toBe(unit)
  })
})

describe('a value', () => {
  test.each([
    [0.1834, 'seconds', '183 ms'],
    [0.0000021, 'seconds', '2.1 µs'],
    [75, 'seconds', '75 s'],
    [0, 'seconds', '0 s'],
    [629_145_600, 'bytes', '600 MiB'],
    [12, 'bytes', '12 B'],
    [0.125, 'ratio', '12.5 %'],
    [1020, '', '1020'],
    [-12_345, '', '-12.3 k'],
    [2.3456, '', '2.35'],
    [0.00001234, '', '1.2e-5'],
    [0, '', '0'],
  ] as const)('%d in %j is %j', (value, unit, text) => {
    expect(formatValue(value, unit)).toBe(text)
  })

  test('that is none is a dash', () => {
    expect([null, undefined, Number.NaN].map((value) => formatValue(value, 'bytes'))).toEqual(['–', '–', '–'])
  })
})

test('ticks have the digits that tell them apart, and one unit', () => {
  expect(formatTicks([0, 500, 1000], '')).toEqual(['0', '500', '1000'])
  expect(formatTicks([1.0021, 1.0022, 1.0023], '')).toEqual(['1.0021', '1.0022', '1.0023'])
  expect(formatTicks([0, 0.2, 0.4], 'seconds')).toEqual(['0 ms', '200 ms', '400 ms'])
})

test.each([
  [400, '0 s'],
  [42_000, '42 s'],
  [200_000, '3 min 20 s'],
  [1_500_000, '25 min'],
  [7_500_000, '2 h 5 min'],
  [90_000_000, '1 d 1 h'],
])('%d ms is %j', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})
