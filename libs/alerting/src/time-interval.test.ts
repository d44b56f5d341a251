import { describe, expect, test } from 'vitest'
import { dayRange, holdsAt, minuteOfDay, monthRange, type TimeInterval, timeZone, weekdayRange } from './time-interval.ts'

const interval = (differences: Partial<TimeInterval>): TimeInterval => ({
  ...{ times: [], weekdays: [], daysOfMonth: [], months: [], zone: timeZone('UTC') },
  ...differences,
})
const holds = (differences: Partial<TimeInterval>, at: string) => holdsAt(interval(differences), Date.parse(at))
const night = [{ from: minuteOfDay('02:00'), to: minuteOfDay('04:00') }]

describe('an interval', () => {
  test('holds from its first minute to the one before its end', () => {
    expect(holds({ times: night }, '2026-01-05T01:59:59Z')).toBe(false)
    expect(holds({ times: night }, '2026-01-05T02:00:00Z')).toBe(true)
    expect(holds({ times: night }, '2026-01-05T03:59:59Z')).toBe(true)
    expect(holds({ times: night }, '2026-01-05T04:00:00Z')).toBe(false)
  })

  test('goes by the clock of its zone, summer time included', () => {
    const berlin = { times: night, zone: timeZone('Europe/Berlin') }
    expect(holds(berlin, '2026-01-05T01:30:00Z')).toBe(true)
    expect(holds(berlin, '2026-07-05T01:30:00Z')).toBe(true)
    expect(holds(berlin, '2026-07-05T00:30:00Z')).toBe(true)
    expect(holds(berlin, '2026-07-05T02:30:00Z')).toBe(false)
  })

  test('needs each of its parts', () => {
    const monday = { weekdays: [weekdayRange('monday:friday')], months: [monthRange('january')] }
    expect(holds(monday, '2026-01-05T12:00:00Z')).toBe(true)
    expect(holds(monday, '2026-01-04T12:00:00Z')).toBe(false)
    expect(holds(monday, '2026-02-02T12:00:00Z')).toBe(false)
  })

  test('counts days from the end of the month', () => {
    const last = { daysOfMonth: [dayRange('-1')] }
    expect(holds(last, '2026-02-28T12:00:00Z')).toBe(true)
    expect(holds(last, '2028-02-28T12:00:00Z')).toBe(false)
    expect(holds({ daysOfMonth: [dayRange('1:3')] }, '2026-02-03T12:00:00Z')).toBe(true)
  })
})

test.each([
  ['a time', () => minuteOfDay('25:00'), /02:00/],
  ['a weekday', () => weekdayRange('friday:monday'), /in this order/],
  ['a month', () => monthRange('13'), /1 to 12/],
  ['a day', () => dayRange('0'), /-31 to 31/],
  ['a zone', () => timeZone('Mars/Base'), /Europe\/Berlin/],
])('%s that is none is refused with what was expected', (_, read, message) => {
  expect(read).toThrow(message)
})
