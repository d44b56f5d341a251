/**
 * Calendars in iCalendar form (`.ics`): the windows of time that their events cover, recurrence included.
 *
 * ical.js reads the file, rrule expands recurrences on the wall clock of each event's zone, and the zone's clock turns them into
 * moments, so an event at 02:00 stays there through summer time. Events that were cancelled are left out, exceptions (EXDATE,
 * RECURRENCE-ID) are honoured. An event without a zone, or in one that is not in the IANA database, counts in `zone`.
 *
 * Bounded: size, events, windows, and recurrence no finer than a day. ical.js can expand recurrences too and was tried: a rule that
 * no day satisfies (30 February) never comes back from it; here such a rule is refused.
 *
 * Source: RFC 5545.
 */
import ICAL from 'ical.js'
import rrule from 'rrule'
import { ReadableError } from './readable-error.ts'
import { type TimeZone, timeZone } from './time-interval.ts'

export interface Window {
  readonly startMs: number
  /** Not included. */
  readonly endMs: number
}

export interface CalendarRange {
  readonly fromMs: number
  readonly toMs: number
  /** For events that name no zone. */
  readonly zone: TimeZone
}

export const calendarLimits = { characters: 10_000_000, events: 10_000, recurringEvents: 500, windows: 10_000 } as const

/** The windows that touch the range, by their beginning. Throws ReadableError. */
export function calendarWindows(text: string, range: CalendarRange): Window[] {
  const events = readEvents(text)
  const windows: Window[] = []
  for (const event of events) {
    if (event.getFirstPropertyValue('status') === 'CANCELLED') continue
    windows.push(...eventWindows(event, events, range))
    if (windows.length > calendarLimits.windows) throw tooLarge('windows')
  }
  return windows.sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs)
}

function readEvents(text: string): ICAL.Component[] {
  if (text.length > calendarLimits.characters) throw tooLarge('characters')
  if (text.split('BEGIN:VEVENT', calendarLimits.events + 2).length > calendarLimits.events + 1) throw tooLarge('events')
  let calendar: ICAL.Component
  try {
    calendar = new ICAL.Component(ICAL.parse(text))
  } catch (error) {
    throw new ReadableError(`expected a calendar in iCalendar form: ${(error as Error).message}`)
  }
  const events = calendar.getAllSubcomponents('vevent')
  if (events.filter((event) => event.hasProperty('rrule')).length > calendarLimits.recurringEvents)
    throw tooLarge('recurringEvents')
  return events
}

function tooLarge(what: keyof typeof calendarLimits): ReadableError {
  return new ReadableError(
    `expected a calendar of at most ${calendarLimits[what]} ${what === 'recurringEvents' ? 'recurring events' : what}`,
  )
}

function eventWindows(event: ICAL.Component, all: readonly ICAL.Component[], range: CalendarRange): Window[] {
  const start = timeOf(event, 'dtstart')
  if (!start) throw new ReadableError(`expected an event with a beginning: ${summaryOf(event)}`)
  const zone = zoneOf(event, range.zone)
  const durationMs = durationOf(event, start)
  const toWindow = (wallMs: number) => {
    const startMs = start.zone.tzid === 'UTC' ? wallMs : momentOf(wallMs, zone)
    return { startMs, endMs: startMs + durationMs }
  }
  const touches = ({ startMs, endMs }: Window) => endMs > range.fromMs && startMs < range.toMs
  const rule = event.getFirstPropertyValue('rrule')
  if (!rule) return [toWindow(wallOf(start))].filter(touches)
  const excepted = new Set([...timesOf(event, 'exdate'), ...replacedTimes(event, all)])
  return occurrences(String(rule), wallOf(start), durationMs, range, summaryOf(event))
    .filter((wallMs) => !excepted.has(wallMs))
    .map(toWindow)
    .filter(touches)
}

/** A zone is never more than 14 hours from UTC, so a day on either side is enough before the moments are known. */
const dayMs = 86_400_000

function occurrences(text: string, startMs: number, durationMs: number, range: CalendarRange, name: string): number[] {
  const options = ruleOptions(text, name)
  const rule = new rrule.RRule({ ...options, dtstart: new Date(startMs) })
  const from = new Date(range.fromMs - durationMs - dayMs)
  return rule
    .between(from, new Date(range.toMs + dayMs), true, (_, count) => count <= calendarLimits.windows)
    .map((date) => date.getTime())
}

function ruleOptions(text: string, name: string): Partial<rrule.Options> {
  let options: Partial<rrule.Options>
  try {
    options = rrule.RRule.parseString(text)
  } catch (error) {
    throw new ReadableError(`expected a recurrence rule in the event ${name}: ${(error as Error).message}`)
  }
  const { freq, bymonth, bymonthday } = options
  if (freq === undefined || freq > rrule.RRule.DAILY)
    throw new ReadableError(`expected a recurrence of days or longer in the event ${name}`)
  const lengths = [bymonth ?? []].flat().map((month) => new Date(Date.UTC(2024, month, 0)).getUTCDate())
  const days = [bymonthday ?? []].flat()
  if (lengths.length > 0 && days.length > 0 && days.every((day) => Math.abs(day) > Math.max(...lengths))) {
    throw new ReadableError(`expected a recurrence that comes at all in the event ${name}`)
  }
  return options
}

/** Beginnings that another event of the same UID replaces. */
function replacedTimes(event: ICAL.Component, all: readonly ICAL.Component[]): number[] {
  const uid = event.getFirstPropertyValue('uid')
  return all
    .filter((other) => other !== event && other.getFirstPropertyValue('uid') === uid)
    .flatMap((other) => timesOf(other, 'recurrence-id'))
}

function timesOf(event: ICAL.Component, name: string): number[] {
  return event
    .getAllProperties(name)
    .flatMap((property) => property.getValues() as ICAL.Time[])
    .map(wallOf)
}

function timeOf(event: ICAL.Component, name: string): ICAL.Time | null {
  return event.getFirstPropertyValue(name) as ICAL.Time | null
}

/** By DTEND, else by DURATION; an event without either lasts a day when it begins on a date, else no time. */
function durationOf(event: ICAL.Component, start: ICAL.Time): number {
  const end = timeOf(event, 'dtend')
  if (end) return Math.max(0, wallOf(end) - wallOf(start))
  const duration = event.getFirstPropertyValue('duration') as ICAL.Duration | null
  if (duration) return duration.toSeconds() * 1000
  return start.isDate ? dayMs : 0
}

/** The wall clock's reading as if it were UTC. */
function wallOf({ year, month, day, hour, minute, second }: ICAL.Time): number {
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

function zoneOf(event: ICAL.Component, fallback: TimeZone): TimeZone {
  const name = event.getFirstProperty('dtstart')?.getFirstParameter('tzid')
  if (!name) return fallback
  try {
    return timeZone(name)
  } catch {
    return fallback
  }
}

/** The moment at which the zone's clock shows it; the second look is for the hours around a change of summer time. */
function momentOf(wallMs: number, zone: TimeZone): number {
  const guess = wallMs - offsetAt(wallMs, zone)
  return wallMs - offsetAt(guess, zone)
}

function offsetAt(atMs: number, zone: TimeZone): number {
  const { year, month, day, minute } = zone.clock(atMs)
  return Date.UTC(year, month - 1, day) + minute * 60_000 - Math.floor(atMs / 60_000) * 60_000
}

function summaryOf(event: ICAL.Component): string {
  return JSON.stringify(event.getFirstPropertyValue('summary') ?? event.getFirstPropertyValue('uid') ?? '')
}
