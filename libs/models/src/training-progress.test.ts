import { describe, expect, test } from 'vitest'
import { progressMetrics, progressOf, progressSince } from './training-progress.ts'

describe('the progress of a training', () => {
  test('the time left goes by the pace since the first share', () => {
    expect(progressSince({ share: 0.25, atMs: 1000 }, { share: 0.75, atMs: 5000 })).toEqual({ share: 0.75, leftSeconds: 2 })
    expect(progressSince({ share: 0, atMs: 0 }, { share: 1, atMs: 5000 }).leftSeconds).toBe(0)
  })

  test('there is no time left to tell before there is a pace', () => {
    const first = { share: 0.2, atMs: 1000 }
    expect(progressSince(first, first)).toEqual({ share: 0.2, leftSeconds: undefined })
  })

  test('it is read from the record of the version that is in training, and from no other', () => {
    const metrics = progressMetrics({ share: 0.6, leftSeconds: 4 })
    expect(progressOf({ state: 'requested', metrics })).toEqual({ share: 0.6, leftSeconds: 4 })
    expect(progressOf({ state: 'trained', metrics })).toBeUndefined()
    expect(progressOf({ state: 'requested', metrics: [] })).toBeUndefined()
    // What earlier releases wrote.
    expect(progressOf({ state: 'requested', metrics: [{ name: 'progress', value: 0.5 }] })).toEqual({ share: 0.5 })
  })
})
