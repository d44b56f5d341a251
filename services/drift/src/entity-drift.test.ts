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

  test('the score of the entity itself is enough', () => {
    expect(entityOf(50).take(drift(1, 10, 1, true), options).kind).toBe('request')
  })

  test('under a model only the score of the entity counts, also under the next owner', () => {
    const entity = entityOf(3)
    entity.hasModel = true
    const next = new EntityDrift(options)
    next.restore(entity.snapshot())
    for (const one of [drift(1, 10), drift(2, 11), drift(3, 12)])
      expect(next.take(one, options)).toEqual({ kind: 'held', by: 'model' })
    expect(next.take(drift(4, 13, 1, true), options)).toMatchObject({ kind: 'request', others: 0 })
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
