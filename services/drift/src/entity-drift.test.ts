import { describe, expect, test } from 'vitest'
import { EntityDrift, type SeriesDrift } from './entity-drift.ts'

const minuteMs = 60_000
const options = { cooldownMs: 60 * minuteMs, requestsPerWeek: 3 }

const drift = (series: number, minute: number, size = 1, isOfEntity = false): SeriesDrift => ({
  seriesKey: String(series),
  labels: [{ name: '__name__', value: `s${series}` }],
  atMs: minute * minuteMs,
  change: { watched: 'mean score', before: 0, after: size, threshold: 0.1 },
  isOfEntity,
})

function entityOf(series: number): EntityDrift {
  const entity = new EntityDrift(options)
  entity.series = series
  return entity
}

describe('drift of an entity', () => {
  test('one deploy that moves every series is one request, which names the one that moved most', () => {
    const entity = entityOf(50)
    const outcomes = Array.from({ length: 50 }, (_, i) => entity.take(drift(i, 100 + i / 10, i === 1 ? 9 : 1), options))
    expect(outcomes.filter(({ kind }) => kind === 'request')).toEqual([
      { kind: 'request', strongest: drift(1, 100.1, 9), others: 2 },
    ])
    expect(outcomes.slice(0, 2)).toEqual(Array(2).fill({ kind: 'held', by: 'quorum' }))
    expect(outcomes.slice(3)).toEqual(Array(47).fill({ kind: 'held', by: 'cooldown' }))
  })

  test('a single series of many, or the same one again and again, or two half an hour apart, is no request', () => {
    const entity = entityOf(50)
    for (const one of [drift(1, 10), drift(1, 12), drift(1, 14), drift(2, 45), drift(3, 80)]) {
      expect(entity.take(one, options)).toEqual({ kind: 'held', by: 'quorum' })
    }
  })

  /** Scores of the entity, one a minute; the last outcome. */
  const observe = (entity: EntityDrift, fromMinute: number, scores: readonly number[]) =>
    scores.map((score, i) => entity.observe((fromMinute + i) * minuteMs, score, options)).findLast((outcome) => outcome)

  test('series whose scores rise by little ask for nothing, however many they are; the score of the entity may creep', () => {
    const entity = entityOf(5)
    const outcomes = Array.from({ length: 5 }, (_, i) => entity.take(drift(i, 100, 0.09), options))
    expect(outcomes).toEqual(Array(5).fill({ kind: 'held', by: 'small' }))
    expect(entity.take(drift(9, 101, 0.09, true), options)).toEqual({ kind: 'awaited' })
  })

  test('the score of the entity itself is enough, when it stays up', () => {
    const entity = entityOf(50)
    expect(entity.take(drift(1, 10, 1, true), options)).toEqual({ kind: 'awaited' })
    expect(observe(entity, 11, Array(29).fill(0.8))).toBeUndefined()
    const next = new EntityDrift(options)
    next.restore(entity.snapshot())
    expect(observe(next, 40, [0.8])).toMatchObject({ kind: 'request', others: 0, strongest: { atMs: 40 * minuteMs } })
  })

  /** Of one entity whose score rises from 0 to 1 and stays: minutes of the requests. */
  function requestsOf(entity: EntityDrift, fromMinute: number, scores: readonly number[]): number[] {
    return scores.flatMap((score, i) => {
      const outcome = entity.observe((fromMinute + i) * minuteMs, score, options)
      return outcome?.kind === 'request' ? [fromMinute + i] : []
    })
  }

  test('what lasts and gets no new model asks again, after one, two … cooldowns, and says since when', () => {
    const entity = entityOf(1)
    entity.take(drift(1, 0, 1, true), options)
    const asked = requestsOf(entity, 1, Array(240).fill(0.9))
    expect(asked).toEqual([30, 90, 210])
    entity.take(drift(1, 241, 1, true), options)
    expect(observe(entity, 242, Array(30).fill(0.9))).toEqual({ kind: 'held', by: 'budget' })
    const other = entityOf(1)
    other.take(drift(1, 0, 1, true), options)
    expect(observe(other, 1, Array(90).fill(0.9))).toMatchObject({
      kind: 'request',
      standsSinceMs: 0,
      strongest: { change: { before: 0, after: expect.closeTo(0.9, 9) } },
    })
  })

  test('so it does under a new owner for each score', () => {
    let entity = entityOf(1)
    entity.take(drift(1, 0, 1, true), options)
    const asked = Array.from({ length: 240 }, (_, i) => i + 1).filter((minute) => {
      const next = new EntityDrift(options)
      next.restore(entity.snapshot())
      entity = next
      return entity.observe(minute * minuteMs, 0.9, options)?.kind === 'request'
    })
    expect(asked).toEqual([30, 90, 210])
  })

  test('it no longer asks once the scores have fallen back, or a new model is there', () => {
    const fallen = entityOf(1)
    fallen.take(drift(1, 0, 1, true), options)
    expect(requestsOf(fallen, 1, [...Array(30).fill(1), ...Array(30).fill(0.1), ...Array(600).fill(1)])).toEqual([30])
    const renewed = entityOf(1)
    renewed.take(drift(1, 0, 1, true), options)
    expect(requestsOf(renewed, 1, Array(45).fill(1))).toEqual([30])
    renewed.beginModel()
    expect(requestsOf(renewed, 46, Array(600).fill(1))).toEqual([])
  })

  test('drift that was noticed within the cooldown asks when that is over', () => {
    const entity = entityOf(1)
    entity.take(drift(1, 0, 1, true), options)
    expect(requestsOf(entity, 1, Array(30).fill(1))).toEqual([30])
    entity.beginModel()
    entity.take(drift(1, 35, 1, true), options)
    expect(observe(entity, 36, Array(30).fill(1))).toEqual({ kind: 'held', by: 'cooldown' })
    expect(requestsOf(entity, 66, Array(60).fill(1))).toEqual([95])
  })

  test('what a new model was needed for is no season a day later', () => {
    const dayMinutes = 24 * 60
    const entity = entityOf(1)
    observe(entity, 1, Array(600).fill(0))
    entity.take(drift(1, 600, 1, true), options)
    observe(entity, 601, Array(300).fill(1))
    entity.beginModel()
    observe(entity, 901, Array(600).fill(0))
    expect(entity.take(drift(1, 600 + dayMinutes, 1, true), options)).toEqual({ kind: 'awaited' })
  })

  test('an incident that is over is none, and a new model begins anew', () => {
    const entity = entityOf(50)
    entity.take(drift(1, 10, 1, true), options)
    expect(observe(entity, 11, [...Array(12).fill(1), ...Array(18).fill(0.1)])).toEqual({ kind: 'held', by: 'brief' })
    entity.take(drift(1, 50, 1, true), options)
    entity.beginModel()
    expect(observe(entity, 51, Array(60).fill(1))).toBeUndefined()
    entity.take(drift(1, 120, 1, true), options)
    const fall = { ...drift(1, 130, 1, true), change: { watched: 'mean score', before: 1, after: 0.1, threshold: 0.1 } }
    expect(entity.take(fall, options)).toEqual({ kind: 'held', by: 'fall' })
    expect(observe(entity, 131, Array(60).fill(1))).toBeUndefined()
  })

  test('under a model only the score of the entity counts, also under the next owner', () => {
    const entity = entityOf(3)
    entity.beginModel()
    const next = new EntityDrift(options)
    next.restore(entity.snapshot())
    for (const one of [drift(1, 10), drift(2, 11), drift(3, 12)])
      expect(next.take(one, options)).toEqual({ kind: 'held', by: 'model' })
    expect(next.take(drift(4, 13, 1, true), options)).toEqual({ kind: 'awaited' })
  })

  test('whatever the detectors say, requests stay within the budget of a week', () => {
    const entity = entityOf(1)
    let requests = 0
    const weeks = 4
    for (let minute = 1; minute < weeks * 7 * 24 * 60; minute += 10) {
      if (entity.take(drift(1, minute), options).kind === 'request') requests++
    }
    expect(requests).toBeGreaterThanOrEqual(options.requestsPerWeek * weeks)
    expect(requests).toBeLessThanOrEqual(options.requestsPerWeek * (weeks + 1))
  })

  test('goes on from its state wherever it is cut; what is no state is refused', () => {
    const drifts = Array.from({ length: 300 }, (_, i) => drift(i % 7, i * 9, i % 5))
    const whole = entityOf(40)
    const expected = drifts.map((one) => whole.take(one, options))
    let cut = entityOf(40)
    const found = drifts.map((one) => {
      const next = new EntityDrift(options)
      next.restore(cut.snapshot())
      cut = next
      return cut.take(one, options)
    })
    expect(found).toEqual(expected)
    for (const bytes of ['', '{}', 'x', '{"series":1}']) expect(() => cut.restore(Buffer.from(bytes))).toThrow(RangeError)
  })
})
