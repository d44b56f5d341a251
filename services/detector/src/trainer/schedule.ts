/**
 * The calendar of retraining: a cron expression and quiet hours in a time zone, and a jitter that spreads the entities.
 *
 * Cron, time zones and their changes of the clock are croner's. The jitter of an entity is a function of its key, so the entities of a deployment keep their distance from each other and from day to
 * day, and a replay of the plan gives the same times.
 */
import { createHash } from 'node:crypto'
import type { RetrainSchedule } from '@lapwing/models/retrain-plan'
import { Cron } from 'croner'

export interface CalendarOptions {
  /** Cron expression; undefined for no schedule. */
  readonly schedule: string | undefined
  readonly timeZone: string
  readonly jitterMs: number
  /** `HH:MM-HH:MM`, over midnight when the second is not later; undefined for none. */
  readonly quietHours: string | undefined
}

export interface RetrainCalendar {
  readonly schedule: RetrainSchedule | undefined
  /** The time itself, or the end of the quiet hours that it lies in. */
  afterQuietHours(atMs: number): number
}

/** Expects options that the configuration has checked. */
export function createCalendar({ schedule, timeZone, jitterMs, quietHours }: CalendarOptions): RetrainCalendar {
  const afterQuietHours = quietHours === undefined ? (atMs: number) => atMs : quietHoursOf(quietHours, timeZone)
  if (schedule === undefined) return { schedule: undefined, afterQuietHours }
  const cron = new Cron(schedule, { timezone: timeZone })
  const nextRunMs = (scope: string, afterMs: number) => {
    const delayMs = Math.floor(jitterMs * fractionOf(scope))
    const next = cron.nextRun(new Date(afterMs - delayMs))
    return next ? afterQuietHours(next.getTime() + delayMs) : undefined
  }
  return { schedule: { nextRunMs, text: `${schedule} ${timeZone}` }, afterQuietHours }
}

/** What is wrong with a cron expression, for its author; undefined when it has a next run. */
export function cronProblem(schedule: string, nowMs: number): string | undefined {
  try {
    return new Cron(schedule).nextRun(new Date(nowMs)) ? undefined : `${schedule} never comes`
  } catch (error) {
    return (error as Error).message
  }
}

export const quietHoursPattern = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/

function quietHoursOf(text: string, timezone: string): (atMs: number) => number {
  const [, fromHour, fromMinute, toHour, toMinute] = quietHoursPattern.exec(text)!
  const begin = new Cron(`${Number(fromMinute)} ${Number(fromHour)} * * *`, { timezone })
  const end = new Cron(`${Number(toMinute)} ${Number(toHour)} * * *`, { timezone })
  return (atMs) => {
    const at = new Date(atMs)
    // Every day has both, so that there is always a next one. Inside of them the end comes first.
    const endMs = end.nextRun(at)!.getTime()
    return endMs < begin.nextRun(at)!.getTime() ? endMs : atMs
  }
}

/** 0 to 1, evenly over keys. */
function fractionOf(scope: string): number {
  return createHash('sha256').update(scope).digest().readUInt32BE() / 2 ** 32
}
