import { describe, expect, test } from 'vitest'
import type { Points } from '../api-model.ts'
import { chartColumns, highestScore, valueRange } from './chart-data.ts'

function pointsOf(about: Partial<Points> & Pick<Points, 'timestampsMs'>): Points {
  const { timestampsMs } = about
  const flat = (value: number) => timestampsMs.map(() => value)
  return {
    values: flat(5),
    expected: flat(5),
    lower: flat(4),
    upper: flat(6),
    scores: flat(0),
    imputed: [],
    reasons: [],
    ...about,
  }
}
const always = { fromMs: 0, toMs: 1e6 }

describe('columns of the chart', () => {
  test('a long distance is a gap, a short one is not', () => {
    const columns = chartColumns(pointsOf({ timestampsMs: [0, 1000, 2000, 4000, 5000, 9000] }))
    expect(columns.seconds).toEqual([0, 1, 2, 4, 5, 7, 9])
    expect(columns.values).toEqual([5, 5, 5, 5, 5, null, 5])
    expect(columns.pointAt).toEqual([0, 1, 2, 3, 4, undefined, 5])
  })

  test('a single high score is a line from the point before it', () => {
    const columns = chartColumns(pointsOf({ timestampsMs: [0, 1, 2, 3], scores: [0, 0, 2, 0], imputed: [0, 1, 0, 0] }))
    expect(columns.anomalous).toEqual([null, 5, 5, null])
    expect(columns.highScores).toEqual([null, null, 2, null])
    expect(columns.imputed).toEqual([null, 5, null, null])
  })

  test('no points, no columns', () => {
    expect(chartColumns(pointsOf({ timestampsMs: [] })).seconds).toEqual([])
  })
})

describe('range of values', () => {
  test('a band that is still wide does not flatten the line', () => {
    const [low, high] = valueRange(
      pointsOf({ timestampsMs: [0, 1], values: [90, 110], expected: [100, 100], lower: [-1e6, -1e6], upper: [1e6, 1e6] }),
      always,
    )
    expect(low).toBeGreaterThan(60)
    expect(high).toBeLessThan(140)
  })

  test('only what is visible counts', () => {
    const points = pointsOf({ timestampsMs: [0, 10], values: [5, 1000] })
    expect(valueRange(points, { fromMs: 0, toMs: 5 })[1]).toBeLessThan(10)
  })

  test('values that are never negative start at zero rather than below', () => {
    expect(valueRange(pointsOf({ timestampsMs: [0, 1], values: [0, 10], lower: [0, 0] }), always)[0]).toBe(0)
  })

  test('a flat line and no values have a range too', () => {
    const flat = pointsOf({ timestampsMs: [0], lower: [5], upper: [5] })
    expect(valueRange(flat, always)[0]).toBeLessThan(5)
    expect(valueRange(flat, always)[1]).toBeGreaterThan(5)
    expect(valueRange(pointsOf({ timestampsMs: [] }), always)).toEqual([0, 1])
  })
})

test('the score strip shows the limit of 1 with room above it', () => {
  expect(highestScore(pointsOf({ timestampsMs: [0] }), always)).toBe(1.5)
  expect(highestScore(pointsOf({ timestampsMs: [0], scores: [10] }), always)).toBeCloseTo(11)
})
