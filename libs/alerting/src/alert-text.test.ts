import { expect, test } from 'vitest'
import { alertRecord } from '../testing/alert.ts'
import { beganAnew, descriptionText, durationText, episodePage, graphPage, numberText, summaryText } from './alert-text.ts'

test('numbers are short, and none is hidden', () => {
  const shown = [0, 12.5, 0.1 + 0.2, 1234.5678, 999_999.4, 12_345_678, 0.00012345, -3, Number.NaN, Infinity, -Infinity].map(
    numberText,
  )
  expect(shown).toEqual(['0', '12.5', '0.3', '1234.57', '999999', '1.235e+7', '1.234e-4', '-3', 'no value', '+Inf', '-Inf'])
})

test('durations read like a person says them', () => {
  const minuteMs = 60_000
  expect(
    [-5, 45_000, 12 * minuteMs, 60 * minuteMs, 200 * minuteMs, 48 * 60 * minuteMs, 52 * 60 * minuteMs].map(durationText),
  ).toEqual(['0 s', '45 s', '12 min', '1 h', '3 h 20 min', '2 d', '2 d 4 h'])
})

test('sentences tell what is wrong, and what is over', () => {
  expect(summaryText(alertRecord())).toBe('node_load1 is unusual')
  expect(summaryText(alertRecord({ state: 'resolved' }))).toBe('node_load1 is back to normal')
  expect(summaryText(alertRecord({ state: 'resolved', reason: 'resolved', value: Number.NaN }))).toBe(
    'node_load1 went away while it was unusual',
  )
  expect(summaryText(alertRecord({ state: 'resolved', reason: beganAnew }))).toBe(
    'node_load1 is no longer followed as unusual: its detector began anew',
  )
  expect(descriptionText(alertRecord())).toBe('Actual 12.5, expected 0.8 (0.2 to 1.9), score 2.4 (level 70 %, novelty 30 %).')
  expect(descriptionText(alertRecord({ reasons: [] }))).toBe('Actual 12.5, expected 0.8 (0.2 to 1.9), score 2.4.')
})

test('the page of an episode is found whatever its id', () => {
  expect(episodePage('http://page', alertRecord({ id: 'a&b=c' }))).toBe('http://page/?series=series-1&anomaly=a%26b%3Dc')
})

test('a graph in Prometheus shows the series at the time, whatever its labels are; the result of an expression has none', () => {
  const hostile = alertRecord({ labels: [...alertRecord().labels, { name: 'path', value: '"} or <x>&a=b' }] })
  const url = new URL(graphPage('http://prom:9090', hostile)!)
  expect(url.origin + url.pathname).toBe('http://prom:9090/graph')
  expect(Object.fromEntries(url.searchParams)).toEqual({
    'g0.expr': 'node_load1{instance="node-1:9100",path="\\"} or <x>&a=b"}',
    'g0.tab': '0',
    'g0.range_input': '2h',
    'g0.end_input': '2026-01-05 10:01',
  })
  expect(graphPage('http://prom:9090', alertRecord({ labels: [{ name: 'instance', value: 'a' }] }))).toBeUndefined()
})
