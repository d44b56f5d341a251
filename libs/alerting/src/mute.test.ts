import { describe, expect, test } from 'vitest'
import { parseMatcher } from './matcher.ts'
import { checkMute, longestMuteMs, type Mute, muteFor } from './mute.ts'
import { timeZone, weekdayRange } from './time-interval.ts'

const startsAtMs = Date.parse('2026-01-05T10:00:00Z')
const hourMs = 3_600_000
const mute = (differences: Partial<Mute> = {}): Mute => ({
  id: 'move',
  matchers: [parseMatcher('instance=~"db-.*"')],
  startsAtMs,
  endsAtMs: startsAtMs + hourMs,
  intervals: [],
  windows: null,
  author: 'ada',
  comment: 'database move',
  ...differences,
})
const db = { instance: 'db-1' }

describe('a mute', () => {
  test('is in force from its beginning to its end, for what it matches', () => {
    expect(muteFor([mute()], db, startsAtMs - 1)).toBeUndefined()
    expect(muteFor([mute()], db, startsAtMs)).toMatchObject({ untilMs: startsAtMs + hourMs })
    expect(muteFor([mute()], db, startsAtMs + hourMs)).toBeUndefined()
    expect(muteFor([mute()], { instance: 'web-1' }, startsAtMs)).toBeUndefined()
  })

  test('with a recurring time is looked at again every minute', () => {
    const weekdays = [weekdayRange('monday')]
    const intervals = [{ times: [], weekdays, daysOfMonth: [], months: [], zone: timeZone('UTC') }]
    const recurring = mute({ intervals, endsAtMs: startsAtMs + 300 * 24 * hourMs })
    expect(muteFor([recurring], db, startsAtMs + 500)).toMatchObject({ untilMs: startsAtMs + 60_000 })
    expect(muteFor([recurring], db, startsAtMs + 24 * hourMs)).toBeUndefined()
  })

  test('with a calendar is in force in its windows', () => {
    const windows = [{ startMs: startsAtMs + 600_000, endMs: startsAtMs + 1_200_000 }]
    expect(muteFor([mute({ windows })], db, startsAtMs)).toBeUndefined()
    expect(muteFor([mute({ windows })], db, startsAtMs + 600_000)).toMatchObject({ untilMs: startsAtMs + 1_200_000 })
  })

  test('that ends last counts when several are in force', () => {
    const longer = mute({ id: 'longer', endsAtMs: startsAtMs + 2 * hourMs })
    expect(muteFor([mute(), longer, mute()], db, startsAtMs)?.mute.id).toBe('longer')
  })
})

test.each([
  ['of a hundred years', { endsAtMs: startsAtMs + 100 * longestMuteMs }, /366 days/],
  ['that ends before it begins', { endsAtMs: startsAtMs - 1 }, /after the beginning/],
  ['of everything', { matchers: [parseMatcher('team=~".*"')] }, /match everything/],
])('a mute %s is refused', (_, differences, message) => {
  expect(() => checkMute(mute(differences))).toThrow(message)
})
