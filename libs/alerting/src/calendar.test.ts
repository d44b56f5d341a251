import { describe, expect, test } from 'vitest'
import { calendarWindows } from './calendar.ts'
import { timeZone } from './time-interval.ts'

const range = { fromMs: Date.parse('2026-03-01T00:00:00Z'), toMs: Date.parse('2026-04-15T00:00:00Z'), zone: timeZone('UTC') }
const calendar = (...events: string[][]) =>
  [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    ...events.flatMap((lines, i) => ['BEGIN:VEVENT', `UID:e${i}`, ...lines, 'END:VEVENT']),
    'END:VCALENDAR',
  ].join('\r\n')
const windows = (...events: string[][]) =>
  calendarWindows(calendar(...events), range).map(({ startMs, endMs }) =>
    [startMs, endMs].map((ms) => new Date(ms).toISOString().slice(0, 16)).join(' '),
  )

describe('the windows of a calendar', () => {
  test('are those of its single events, by their beginning', () => {
    expect(
      windows(
        ['DTSTART:20260320T100000Z', 'DTEND:20260320T120000Z'],
        ['DTSTART;VALUE=DATE:20260310'],
        ['DTSTART:20260311T100000Z', 'DURATION:PT30M'],
        ['DTSTART:20250311T100000Z', 'DURATION:PT30M'],
      ),
    ).toEqual(['2026-03-10T00:00 2026-03-11T00:00', '2026-03-11T10:00 2026-03-11T10:30', '2026-03-20T10:00 2026-03-20T12:00'])
  })

  test('recur at the same hour of their zone through summer time, without what was excepted or moved', () => {
    const weekly = ['DTSTART;TZID=Europe/Berlin:20260105T020000', 'DTEND;TZID=Europe/Berlin:20260105T040000']
    const text = calendar(
      [...weekly, 'RRULE:FREQ=WEEKLY;BYDAY=MO', 'EXDATE;TZID=Europe/Berlin:20260309T020000'],
      ['RECURRENCE-ID;TZID=Europe/Berlin:20260316T020000', 'DTSTART;TZID=Europe/Berlin:20260317T020000', 'DURATION:PT1H'],
    ).replace('UID:e1', 'UID:e0')
    const starts = calendarWindows(text, range).map(({ startMs }) => new Date(startMs).toISOString().slice(0, 16))
    expect(starts).toEqual([
      '2026-03-02T01:00',
      '2026-03-17T01:00',
      '2026-03-23T01:00',
      '2026-03-30T00:00',
      '2026-04-06T00:00',
      '2026-04-13T00:00',
    ])
  })

  test('leave out what was cancelled', () => {
    expect(windows(['DTSTART:20260320T100000Z', 'DURATION:PT1H', 'STATUS:CANCELLED'])).toEqual([])
  })
})

describe('a calendar is refused', () => {
  const event = ['DTSTART:20260320T100000Z', 'DURATION:PT1H']
  test.each([
    ['that is none', () => calendarWindows('not a calendar', range), /iCalendar/],
    ['of a million events', () => calendarWindows('BEGIN:VEVENT\n'.repeat(700_000), range), /at most 10000 events/],
    ['of too many characters', () => calendarWindows('x'.repeat(10_000_001), range), /characters/],
    ['with an event every second', () => windows([...event, 'RRULE:FREQ=SECONDLY']), /days or longer/],
    ['with a day that never comes', () => windows([...event, 'RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30']), /comes at all/],
    ['with an event without a beginning', () => windows(['SUMMARY:when?']), /beginning: "when\?"/],
  ])('%s', (_, read, message) => {
    expect(read).toThrow(message)
  })
})
