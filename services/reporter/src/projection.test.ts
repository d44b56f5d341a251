import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { retrain } from '../testing/records.ts'
import { keyOf, labelled, type ScoredSeries, scoreBatch } from '../testing/score-batch.ts'
import { newestTimestampMs } from './point-ring.ts'
import { countSeries, createProjection, foldControl, foldScores } from './projection.ts'
import { seriesList } from './views.ts'

const limits = { pointsPerSeries: 50, maxSeries: 10 }
const at = (metric: string, timestampMs: number, more: Partial<ScoredSeries['samples'][number]> = {}): ScoredSeries => ({
  labels: labelled(metric),
  samples: [{ timestampMs, value: 1, ...more }],
})
const everything = { search: '', sort: 'name', limit: 1000 } as const

describe('projection', () => {
  test('a series is where its newest sample left it', () => {
    const projection = createProjection(limits)
    foldScores(projection, scoreBatch([at('load', 1000, { state: 'warming', stateDetail: 0.5 })], { source: 'poll' }))
    foldScores(projection, scoreBatch([at('load', 2000, { state: 'anomalous', score: 2, reason: 'spike' })]))
    const view = projection.series.get(keyOf(labelled('load')))!
    expect(view).toMatchObject({ text: 'load', state: 'anomalous', source: 'remote-write' })
    expect(newestTimestampMs(view.points)).toBe(2000)
    expect(projection.newestMs).toBe(2000)
    expect([...projection.sources]).toEqual(['poll', 'remote-write'])
    expect(countSeries(projection)).toMatchObject({ shown: 1, ended: 0, byState: { anomalous: 1, warming: 0 } })
  })

  test('reading the log again changes nothing, wherever the reading begins', () => {
    const batches = fc.array(
      fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 50 })), {
        minLength: 1,
        selector: ([name]) => name,
      }),
      { minLength: 1, maxLength: 20 },
    )
    fc.assert(
      fc.property(batches, fc.nat(), (given, cut) => {
        const log = given.map((series) =>
          scoreBatch(series.map(([name, seconds]) => at(name, seconds * 1000, { value: seconds }))),
        )
        const once = createProjection(limits)
        for (const batch of log) foldScores(once, batch)
        const twice = createProjection(limits)
        for (const batch of [...log, ...log.slice(cut % log.length)]) foldScores(twice, batch)
        expect(seriesList(twice, everything)).toEqual(seriesList(once, everything))
      }),
    )
  })

  test('series beyond the limit are counted, and take the place of one that has ended', () => {
    const projection = createProjection({ pointsPerSeries: 10, maxSeries: 2 })
    foldScores(projection, scoreBatch([at('a', 1000), at('b', 1000), at('c', 1000)]))
    foldScores(projection, scoreBatch([at('c', 2000)]))
    expect([...projection.series.values()].map((view) => view.text)).toEqual(['a', 'b'])
    expect(projection.droppedKeys.size).toBe(1)

    foldScores(projection, scoreBatch([at('b', 4_000_000), at('c', 4_000_000)]))
    expect([...projection.series.values()].map((view) => view.text)).toEqual(['b', 'c'])
    expect(projection.droppedKeys.size).toBe(0)
  })

  test('what has ended is kept and counted apart, listed last and found by itself; what comes seldom has not ended', () => {
    const projection = createProjection(limits)
    const minuteMs = 60_000
    foldScores(
      projection,
      scoreBatch([at('gone', minuteMs, { state: 'anomalous', score: 5 }), at('seldom', minuteMs), at('on', minuteMs)]),
    )
    foldScores(projection, scoreBatch([at('on', 40 * minuteMs), at('seldom', 40 * minuteMs)]))
    expect(countSeries(projection)).toMatchObject({ shown: 3, ended: 0, byState: { anomalous: 1 } })
    foldScores(projection, scoreBatch([at('on', 130 * minuteMs)]))
    expect(countSeries(projection)).toMatchObject({ shown: 2, ended: 1, byState: { anomalous: 0, ok: 2 } })
    const list = (more: object) => seriesList(projection, { search: '', sort: 'score', limit: 10, ...more }).series
    expect(list({}).map(({ text, hasEnded }) => [text, hasEnded])).toEqual([
      ['on', false],
      ['seldom', false],
      ['gone', true],
    ])
    expect(list({ state: 'ended' }).map(({ text }) => text)).toEqual(['gone'])
    expect(list({ state: 'anomalous' })).toEqual([])
    foldScores(projection, scoreBatch([at('gone', 131 * minuteMs)]))
    expect(countSeries(projection)).toMatchObject({ shown: 3, ended: 0 })
  })

  test('series that did not fit are counted until they have ended', () => {
    const projection = createProjection({ pointsPerSeries: 10, maxSeries: 1 })
    foldScores(projection, scoreBatch([at('a', 1000), at('b', 1000), at('c', 1000)]))
    expect(projection.droppedKeys.size).toBe(2)
    foldScores(projection, scoreBatch([at('a', 3_000_000), at('c', 3_000_000)]))
    expect(projection.droppedKeys.size).toBe(2)
    foldScores(projection, scoreBatch([at('a', 4_000_000)]))
    expect([...projection.droppedKeys.keys()]).toEqual([keyOf(labelled('c'))])
    foldScores(projection, scoreBatch([at('a', 8_000_000)]))
    expect(projection.droppedKeys.size).toBe(0)
  })

  test('a batch whose columns disagree is refused and leaves no series behind', () => {
    const projection = createProjection(limits)
    const batch = scoreBatch([at('a', 1000)])
    expect(() => foldScores(projection, { ...batch, scores: Buffer.alloc(8) })).toThrow(/expected 1 elements/)
    expect(projection.series.size).toBe(0)
  })

  test('says which series changed', () => {
    const projection = createProjection(limits)
    foldScores(projection, scoreBatch([at('a', 1000), at('b', 1000)]))
    projection.touched.clear()
    foldScores(projection, scoreBatch([at('a', 1000), at('b', 2000)]))
    expect([...projection.touched]).toEqual([keyOf(labelled('b'))])
  })

  test('a label may be called __proto__', () => {
    const projection = createProjection(limits)
    const labels = labelled('x', JSON.parse('{"__proto__":"polluted","constructor":"y"}'))
    foldScores(projection, scoreBatch([{ labels, samples: [{ timestampMs: 1, value: 1 }] }]))
    const [row] = seriesList(projection, everything).series
    expect(row?.labels).toContainEqual(['__proto__', 'polluted'])
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  test('a request for retraining is remembered once', () => {
    const projection = createProjection(limits)
    const request = retrain({ id: 'r', seriesKey: 'k' })
    for (const control of [request, request, { ...request, id: 'other', kind: 'promote' as const }])
      foldControl(projection, control)
    expect([...projection.driftRequests.keys()]).toEqual(['r'])
  })
})
