import { describe, expect, test } from 'vitest'
import { localTime, partsOf, periodAt, periodBefore, periodOfDay } from './report-period.ts'

const hourMs = 3_600_000
const hoursOf = ({ fromMs, toMs }: { fromMs: number; toMs: number }) => (toMs - fromMs) / hourMs

describe('periods in UTC', () => {
  test.each([
    ['daily', '2026-03-01T23:59:59Z', '2026-03-01', '2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z'],
    ['weekly', '2026-03-01T12:00:00Z', '2026-W09', '2026-02-23T00:00:00Z', '2026-03-02T00:00:00Z'],
    ['weekly', '2027-01-01T12:00:00Z', '2026-W53', '2026-12-28T00:00:00Z', '2027-01-04T00:00:00Z'],
    ['monthly', '2026-12-31T12:00:00Z', '2026-12', '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
  ] as const)('%s at %s is %s', (kind, at, name, from, to) => {
    const timeZone = 'UTC'
    expect(periodAt(kind, Date.parse(at), timeZone)).toEqual({
      kind,
      name,
      timeZone,
      fromMs: Date.parse(from),
      toMs: Date.parse(to),
    })
  })
})

describe('periods elsewhere', () => {
  test.each([
    ['Europe/Berlin', 'daily', '2026-03-28T23:30:00Z', '2026-03-29', '2026-03-28T23:00:00Z', 23],
    ['Europe/Berlin', 'daily', '2026-10-25T12:00:00Z', '2026-10-25', '2026-10-24T22:00:00Z', 25],
    ['Europe/Berlin', 'weekly', '2026-03-29T12:00:00Z', '2026-W13', '2026-03-22T23:00:00Z', 7 * 24 - 1],
    ['Europe/Berlin', 'monthly', '2026-10-31T23:30:00Z', '2026-11', '2026-10-31T23:00:00Z', 30 * 24],
    ['America/New_York', 'monthly', '2026-03-01T04:59:00Z', '2026-02', '2026-02-01T05:00:00Z', 28 * 24],
    ['Asia/Kolkata', 'daily', '2026-03-01T18:30:00Z', '2026-03-02', '2026-03-01T18:30:00Z', 24],
    ['Pacific/Kiritimati', 'daily', '2026-03-01T10:00:00Z', '2026-03-02', '2026-03-01T10:00:00Z', 24],
    // Clocks jump from midnight to one, so the day begins at one; and from midnight back to eleven.
    ['Africa/Cairo', 'daily', '2026-04-24T12:00:00Z', '2026-04-24', '2026-04-23T22:00:00Z', 23],
    ['Africa/Cairo', 'daily', '2026-10-29T12:00:00Z', '2026-10-29', '2026-10-28T21:00:00Z', 25],
  ] as const)('in %s, %s at %s is %s', (timeZone, kind, at, name, from, hours) => {
    const period = periodAt(kind, Date.parse(at), timeZone)
    expect(period).toMatchObject({ name, fromMs: Date.parse(from) })
    expect(hoursOf(period)).toBe(hours)
  })

  test.each(['UTC', 'Europe/Berlin', 'America/St_Johns', 'Africa/Cairo', 'Australia/Lord_Howe', 'America/Santiago'])(
    'every moment of a year in %s lies in one day, and each day begins where the one before ends',
    (timeZone) => {
      let period = periodAt('daily', Date.UTC(2026, 0, 1), timeZone)
      const names = new Set<string>()
      for (let day = 0; day < 370; day++) {
        const next = periodAt('daily', period.toMs, timeZone)
        expect(next.fromMs).toBe(period.toMs)
        expect(periodAt('daily', period.toMs - 1, timeZone)).toEqual(period)
        expect(periodBefore(next)).toEqual(period)
        names.add(period.name)
        period = next
      }
      expect(names.size).toBe(370)
    },
  )

  test('a day is named by its date, whatever the zone', () => {
    expect(periodOfDay('daily', Date.UTC(2026, 2, 1), 'Pacific/Kiritimati').name).toBe('2026-03-01')
    expect(periodOfDay('daily', Date.UTC(2026, 2, 1), 'America/New_York').name).toBe('2026-03-01')
  })
})

describe('parts of a period', () => {
  test('are as many hours as the day has, and days that begin at midnight', () => {
    expect(partsOf(periodOfDay('daily', Date.UTC(2026, 2, 29), 'Europe/Berlin'), 'hours')).toHaveLength(23)
    const days = partsOf(periodOfDay('monthly', Date.UTC(2026, 9, 1), 'Europe/Berlin'), 'days')
    expect(days).toHaveLength(31)
    expect(days.map((atMs) => localTime(atMs, 'Europe/Berlin') % 86_400_000)).toEqual(days.map(() => 0))
  })
})
