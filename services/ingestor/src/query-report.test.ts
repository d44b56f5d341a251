import { expect, test } from 'vitest'
import { countSeries } from './query-report.ts'

const range = { startMs: 0, endMs: 9000, stepMs: 1000 }
const series = (...points: [atS: number, value: number][]) => ({
  labels: [],
  timestampsMs: points.map(([atS]) => atS * 1000),
  values: points.map(([, value]) => value),
})
const steps = (from: number, to: number, value: (at: number) => number) =>
  series(...Array.from({ length: to - from }, (_, i): [number, number] => [from + i, value(from + i)]))

test('whole, constant, sparse, young and empty series are told apart', () => {
  const whole = steps(0, 10, (at) => at)
  const constant = steps(0, 10, () => 5)
  const sparse = series([0, 1], [4, 2], [9, 3])
  const withoutNumbers = steps(0, 10, (at) => (at < 6 ? at : Number.NaN))
  const young = steps(7, 10, (at) => at)
  expect(countSeries([whole], range)).toEqual({ series: 1, points: 10, sparse: 0, constant: 0 })
  expect(countSeries([constant], range)).toEqual({ series: 1, points: 10, sparse: 0, constant: 1 })
  expect(countSeries([sparse], range)).toEqual({ series: 1, points: 3, sparse: 1, constant: 0 })
  expect(countSeries([withoutNumbers], range)).toEqual({ series: 1, points: 6, sparse: 1, constant: 0 })
  expect(countSeries([young], range)).toEqual({ series: 1, points: 3, sparse: 0, constant: 0 })
  expect(countSeries([], range)).toEqual({ series: 0, points: 0, sparse: 0, constant: 0 })
})
