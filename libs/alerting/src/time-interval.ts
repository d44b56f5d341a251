/**
 * Recurring times in a time zone, in Alertmanager's words: `times`, `weekdays`, `days_of_month`, `months`, `location`.
 *
 * An interval holds when each of its parts that is given holds, on the clock of its time zone. Summer time is the zone's own
 * affair: an hour that a zone skips never comes, one that it repeats counts twice.
 *
 * Source: Alertmanager "Configuration", section time_interval.
 */
import { ReadableError } from './readable-error.ts'

export interface TimeInterval {
  /** Minutes since midnight, end not included; empty is all day. */
  readonly times: readonly Range[]
  /** 0 is Sunday; empty is every day. */
  readonly weekdays: readonly Range[]
  /** 1 to 31, or -1 (the last) to -31; empty is every day. */
  readonly daysOfMonth: readonly Range[]
  /** 1 to 12; empty is every month. */
  readonly months: readonly Range[]
  readonly zone: TimeZone
}

export interface Range {
  readonly from: number
  /** Included, except for times. */
  readonly to: number
}

/** Reads a moment on a zone's clock. */
export interface TimeZone {
  readonly name: string
  clock(atMs: number): Clock
}

export interface Clock {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly weekday: number
  /** Since midnight. */
  readonly minute: number
}

/** Throws ReadableError for a name that is not in the IANA database. */
export function timeZone(name: string): TimeZone {
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      ...{ year: 'numeric', month: 'numeric', day: 'numeric', weekday: 'short', hour: 'numeric', minute: 'numeric' },
    })
    return { name, clock: (atMs) => clockOf(format, atMs) }
  } catch {
    throw new ReadableError('expected a time zone such as Europe/Berlin or UTC')
  }
}

export function holdsAt(interval: TimeInterval, atMs: number): boolean {
  const { month, day, weekday, minute, year } = interval.zone.clock(atMs)
  const daysInMonth = new Date(Date.UTC(year, month, 0)).getUTCDate()
  const dayHolds = ({ from, to }: Range) => day >= dayOf(from, daysInMonth) && day <= dayOf(to, daysInMonth)
  return (
    someHolds(interval.times, ({ from, to }) => minute >= from && minute < to) &&
    someHolds(interval.weekdays, ({ from, to }) => weekday >= from && weekday <= to) &&
    someHolds(interval.daysOfMonth, dayHolds) &&
    someHolds(interval.months, ({ from, to }) => month >= from && month <= to)
  )
}

/** `02:00` or `24:00` as minutes since midnight. Throws ReadableError. */
export function minuteOfDay(text: string): number {
  const [, hours, minutes] = /^(\d{2}):(\d{2})$/.exec(text) ?? []
  const minute = Number(hours) * 60 + Number(minutes)
  if (hours === undefined || Number(minutes) > 59 || minute > 24 * 60)
    throw new ReadableError('expected a time such as 02:00 or 24:00')
  return minute
}

/** `monday:friday`, `saturday`. Throws ReadableError. */
export function weekdayRange(text: string): Range {
  return namedRange(text, ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'], 0)
}

/** `june:august`, `12`, `1:3`. Throws ReadableError. */
export function monthRange(text: string): Range {
  return /\d/.test(text) ? numberRange(text, 1, 12) : namedRange(text, monthNames, 1)
}

/** `1:5`, `-3:-1`. Throws ReadableError. */
export function dayRange(text: string): Range {
  return numberRange(text, -31, 31)
}

const monthNames = [
  ...['january', 'february', 'march', 'april', 'may', 'june', 'july'],
  ...['august', 'september', 'october', 'november', 'december'],
]

function namedRange(text: string, names: readonly string[], first: number): Range {
  const [from, to] = ends(text).map((name) => names.indexOf(name.toLowerCase()) + first)
  if (from === undefined || to === undefined || from < first || to < from) {
    throw new ReadableError(`expected one of ${names.join(', ')}, or two of them in this order with a colon between`)
  }
  return { from, to }
}

function numberRange(text: string, lowest: number, highest: number): Range {
  const [from, to] = ends(text).map(Number)
  const fits = (n: number | undefined) => Number.isInteger(n) && n !== 0 && n! >= lowest && n! <= highest
  if (!fits(from) || !fits(to) || (from! > to! && Math.sign(from!) === Math.sign(to!))) {
    throw new ReadableError(`expected a number from ${lowest} to ${highest}, or two of them in this order with a colon between`)
  }
  return { from: from!, to: to! }
}

function ends(text: string): [string, string] {
  const [from = '', to = from, more] = text.split(':').map((part) => part.trim())
  return more === undefined ? [from, to] : ['', '']
}

function someHolds(ranges: readonly Range[], holds: (range: Range) => boolean): boolean {
  return ranges.length === 0 || ranges.some(holds)
}

function dayOf(day: number, daysInMonth: number): number {
  return day < 0 ? daysInMonth + 1 + day : day
}

const weekdayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

function clockOf(format: Intl.DateTimeFormat, atMs: number): Clock {
  const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, value]))
  const number = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type))
  return {
    ...{ year: number('year'), month: number('month'), day: number('day') },
    weekday: weekdayNames.indexOf(parts.get('weekday') ?? ''),
    minute: number('hour') * 60 + number('minute'),
  }
}
