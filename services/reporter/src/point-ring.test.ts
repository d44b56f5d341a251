import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { labelled, scoreBatch } from '../testing/score-batch.ts'
import { appendPoint, createPointRing, newestSlots, newestTimestampMs, slotsAfter } from './point-ring.ts'
import { scoreColumns } from './score-columns.ts'

const columnsOf = (timestamps: readonly number[]) =>
  scoreColumns(
    scoreBatch([{ labels: labelled('up'), samples: timestamps.map((timestampMs) => ({ timestampMs, value: timestampMs * 2 })) }]),
  )

function filled(capacity: number, timestamps: readonly number[]) {
  const ring = createPointRing(capacity)
  const columns = columnsOf(timestamps)
  for (const i of timestamps.keys()) appendPoint(ring, columns, i)
  return ring
}

describe('point ring', () => {
  test('keeps the newest points in order, whatever comes in, and never more than fit', () => {
    const timestamps = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 400 })
    fc.assert(
      fc.property(timestamps, fc.integer({ min: 1, max: 200 }), (given, capacity) => {
        const rising = given.filter((at, i) => given.slice(0, i).every((before) => before < at))
        const ring = filled(capacity, given)
        const kept = newestSlots(ring, capacity)
        expect(kept.map((slot) => ring.columns.timestampsMs[slot])).toEqual(rising.slice(-capacity))
        expect(kept.map((slot) => ring.columns.values[slot])).toEqual(rising.slice(-capacity).map((at) => at * 2))
      }),
    )
  })

  test('has no band of a series that is learning', () => {
    const ring = createPointRing(10)
    const samples = [0, 1].map((confidence, i) => ({
      timestampMs: i + 1,
      value: 30,
      expected: 30,
      lower: 10,
      upper: 60,
      confidence,
    }))
    const columns = scoreColumns(scoreBatch([{ labels: labelled('up'), samples }]))
    for (const i of samples.keys()) appendPoint(ring, columns, i)
    expect([...ring.columns.lower.subarray(0, 2)]).toEqual([Number.NaN, 10])
    expect([...ring.columns.upper.subarray(0, 2)]).toEqual([Number.NaN, 60])
    expect([...ring.columns.expected.subarray(0, 2)]).toEqual([Number.NaN, 30])
  })

  test('finds the points after a time', () => {
    const ring = filled(3, [10, 20, 30, 40, 50])
    const after = (ms: number) => slotsAfter(ring, ms).map((slot) => ring.columns.timestampsMs[slot])
    expect(after(0)).toEqual([30, 40, 50])
    expect(after(30)).toEqual([40, 50])
    expect(after(50)).toEqual([])
  })

  test('is empty before the first point', () => {
    expect(newestTimestampMs(createPointRing(5))).toBeUndefined()
    expect(slotsAfter(createPointRing(5), 0)).toEqual([])
  })
})
