/**
 * The file of mutes: `mutes:` with who, why, what and until when, and recurring times or a calendar if it is not for good.
 *
 * Everything is checked when it is read, so a mistake is told with file and line and never found out at night.
 */
import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { calendarLimits, calendarWindows } from '@lapwing/alerting/calendar'
import { parseMatcher } from '@lapwing/alerting/matcher'
import { checkMute, type Mute } from '@lapwing/alerting/mute'
import { ReadableError } from '@lapwing/alerting/readable-error'
import { dayRange, minuteOfDay, monthRange, type TimeInterval, timeZone, weekdayRange } from '@lapwing/alerting/time-interval'
import { loadFile } from '@lapwing/service/config'
import { z } from 'zod'
import { moment, readable } from './readable-field.ts'

const intervalSchema = z
  .strictObject({
    times: z.array(z.strictObject({ start_time: readable(minuteOfDay), end_time: readable(minuteOfDay) })).default([]),
    weekdays: z.array(readable(weekdayRange)).default([]),
    days_of_month: z.array(readable(dayRange)).default([]),
    months: z.array(readable(monthRange)).default([]),
    location: readable(timeZone).prefault('UTC'),
  })
  .transform(
    ({ times, weekdays, days_of_month: daysOfMonth, months, location: zone }): TimeInterval => ({
      ...{ weekdays, daysOfMonth, months, zone },
      times: times.map(({ start_time: from, end_time: to }) => ({ from, to })),
    }),
  )

const muteSchema = z.strictObject({
  id: z.string().regex(/^[\w.-]{1,100}$/, 'expected letters, digits, dots and dashes'),
  matchers: z.array(readable(parseMatcher)).min(1),
  starts_at: moment(),
  ends_at: moment(),
  author: z.string().min(1),
  comment: z.string().min(1),
  time_intervals: z.array(intervalSchema).default([]),
  /** File beside this one. */
  calendar: z.string().min(1).optional(),
  /** Time zone of calendar events that name none. */
  calendar_location: readable(timeZone).prefault('UTC'),
})

/** At most so many: each is looked at for every alert that wants to be told. */
const mostMutes = 1000

/** Calendars are read as far ahead; the file is read again long before that. */
const calendarHorizonMs = 60 * 86_400_000
const dayMs = 86_400_000

/** Throws ConfigError. */
export function readMutesFile(file: string, nowMs: number): readonly Mute[] {
  const checked = muteSchema.transform((mute, context): Mute => {
    try {
      return toMute(mute, dirname(file), nowMs)
    } catch (error) {
      if (!(error instanceof ReadableError)) throw error
      const path = mute.calendar !== undefined && error.message.includes('calendar') ? ['calendar'] : ['ends_at']
      context.addIssue({ code: 'custom', message: error.message, path })
      return z.NEVER
    }
  })
  const schema = z.strictObject({ mutes: z.array(checked).max(mostMutes).default([]) }).superRefine(({ mutes }, context) => {
    mutes.forEach(({ id }, i) => {
      if (mutes.findIndex((other) => other.id === id) < i) {
        context.addIssue({ code: 'custom', message: 'expected an id that no other mute has', path: ['mutes', i, 'id'] })
      }
    })
  })
  return loadFile(schema, file).mutes
}

function toMute(written: z.output<typeof muteSchema>, folder: string, nowMs: number): Mute {
  const { id, matchers, author, comment, calendar } = written
  const windows = calendar === undefined ? null : readCalendar(resolve(folder, calendar), written, nowMs)
  const mute: Mute = {
    ...{ id, matchers, author, comment, windows },
    startsAtMs: written.starts_at,
    endsAtMs: written.ends_at,
    intervals: written.time_intervals,
  }
  checkMute(mute)
  return mute
}

function readCalendar(file: string, { calendar_location: zone }: z.output<typeof muteSchema>, nowMs: number) {
  try {
    if (statSync(file).size > calendarLimits.characters)
      throw new ReadableError(`expected a calendar of at most ${calendarLimits.characters} bytes`)
    return calendarWindows(readFileSync(file, 'utf8'), { fromMs: nowMs - dayMs, toMs: nowMs + calendarHorizonMs, zone })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw code ? new ReadableError(`calendar ${file} cannot be read (${code})`) : prefixed(error, file)
  }
}

function prefixed(error: unknown, file: string): unknown {
  return error instanceof ReadableError ? new ReadableError(`calendar ${file}: ${error.message}`) : error
}
