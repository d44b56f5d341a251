import { describe, expect, test } from 'vitest'
import { ScoreSeason } from './score-season.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** A score a minute until `untilMs`; 0.8 from nine to five where `isBusy`, else 0.2. */
function observed(untilMs: number, isBusy: (day: number) => boolean): ScoreSeason {
  const season = new ScoreSeason()
  for (let atMs = 0; atMs < untilMs; atMs += minuteMs) {
    const hour = (atMs % dayMs) / hourMs
    season.observe(atMs, hour >= 9 && hour < 17 && isBusy(Math.floor(atMs / dayMs)) ? 0.8 : 0.2)
  }
  return season
}

const rise = { before: 0.2, after: 0.8 }
const morning = (day: number) => day * dayMs + 9.5 * hourMs

describe('the season of a score', () => {
  test('a rise that came at this time before is known, at another time or larger it is not', () => {
    const season = observed(morning(5), () => true)
    expect(season.knows(rise, morning(5))).toBe(true)
    expect(season.knows({ before: 0.2, after: 0.95 }, morning(5))).toBe(true)
    expect(season.knows({ before: 0.2, after: 1.5 }, morning(5))).toBe(false)
    expect(season.knows(rise, morning(5) + 12 * hourMs)).toBe(false)
  })

  test('nothing is known of the first day; one earlier day will do while there are few, later it takes two', () => {
    expect(observed(morning(0), () => true).knows(rise, morning(0))).toBe(false)
    expect(observed(morning(1), () => true).knows(rise, morning(1))).toBe(true)
    const onceOnly = (day: number) => day === 2
    expect(observed(morning(5), onceOnly).knows(rise, morning(5))).toBe(false)
  })

  test('Monday is known after a weekend', () => {
    const isWeekday = (day: number) => day % 7 < 5
    expect(observed(morning(14), isWeekday).knows(rise, morning(14))).toBe(true)
  })

  test('what is older than eight days is forgotten, also over a gap', () => {
    const season = observed(3 * dayMs, () => true)
    season.observe(20 * dayMs + 9 * hourMs, 0.8)
    expect(season.knows(rise, morning(20))).toBe(false)
    // Late scores of a time that is gone change nothing.
    season.observe(2 * dayMs, 5)
    expect(season.knows(rise, morning(20))).toBe(false)
  })

  test('goes on from its snapshot; what is none is refused', () => {
    const whole = observed(morning(6), () => true)
    const next = new ScoreSeason()
    next.restore(whole.snapshot())
    expect(next.snapshot()).toEqual(whole.snapshot())
    expect(next.knows(rise, morning(6))).toBe(true)
    expect(new ScoreSeason().snapshot()).toHaveLength(0)
    expect(() => next.restore(new Float64Array(7))).toThrow(RangeError)
  })
})
