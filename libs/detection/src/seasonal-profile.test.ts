import { describe, expect, test } from 'vitest'
import { createProfileStates, found, learnQuarter, profileAt } from './seasonal-profile.ts'

const weekQuarters = 672
const usual = (quarter: number) => 10 + 5 * Math.sin((2 * Math.PI * quarter) / 96) - (quarter >= 480 ? 4 : 0)

function learned(days: number) {
  const states = createProfileStates(2)
  for (let quarter = 0; quarter < 96 * days; quarter++) {
    const ofWeek = quarter % weekQuarters
    learnQuarter(states, 1, ofWeek, usual(ofWeek), Math.floor(quarter / 96))
  }
  return states
}

function valueAt(states: ReturnType<typeof createProfileStates>, quarter: number): number {
  profileAt(states, 1, quarter)
  return found.value
}

describe('seasonal profile', () => {
  test('knows nothing at first, and the day after a day', () => {
    profileAt(createProfileStates(2), 1, 100)
    expect(found).toEqual({ value: 0, isKnown: false })
    expect(valueAt(learned(1), 96 + 30.5)).toBeCloseTo(usual(30), 4)
  })

  test('tells weekends from working days after some weeks', () => {
    const states = learned(35)
    for (const quarter of [40, 2 * 96 + 10, 5 * 96 + 40, 6 * 96 + 70]) {
      expect(Math.abs(valueAt(states, quarter + 0.5) - usual(quarter))).toBeLessThan(0.8)
    }
  })

  test('goes straight from the middle of a quarter to that of the next, across midnight too', () => {
    const states = learned(1)
    expect(valueAt(states, 41)).toBeCloseTo((usual(40) + usual(41)) / 2, 4)
    expect(valueAt(states, 0)).toBeCloseTo((usual(95) + usual(0)) / 2, 4)
  })
})
