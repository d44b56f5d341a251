/**
 * Which reports are due: every period that is over, whose time on the schedule has come since, and that is not done. Those that were missed while nothing
 * ran are among them, as far back as the log remembers.
 */
import { periodAt, periodBefore, type ReportKind, type ReportPeriod } from '@lapwing/reports/report-period'
import { Cron } from 'croner'

/** Patterns of cron, in the zone whose days the reports are about. */
export type ReportSchedule = Readonly<Partial<Record<ReportKind, string>>>

export interface ScheduleSettings {
  readonly schedule: ReportSchedule
  /** IANA name. */
  readonly time_zone: string
}

/** The log holds 35 days. */
const periodsBack: Readonly<Record<ReportKind, number>> = { daily: 7, weekly: 4, monthly: 1 }

/** Oldest first. */
export function dueReports(
  { schedule, time_zone: timeZone }: ScheduleSettings,
  isDone: (period: ReportPeriod) => boolean,
  nowMs: number,
): ReportPeriod[] {
  const kinds = Object.entries(schedule) as [ReportKind, string][]
  return kinds
    .flatMap(([kind, pattern]) => {
      const cron = new Cron(pattern, { timezone: timeZone })
      return pastPeriods(kind, nowMs, timeZone).filter((period) => isDueAt(cron, period) <= nowMs && !isDone(period))
    })
    .sort((a, b) => a.toMs - b.toMs || a.fromMs - b.fromMs)
}

/** When the next report may be due; infinite without a schedule. */
export function nextRunMs({ schedule, time_zone: timezone }: ScheduleSettings, nowMs: number): number {
  const runs = Object.values(schedule).map((pattern) => new Cron(pattern, { timezone }).nextRun(new Date(nowMs)))
  return Math.min(...runs.map((run) => run?.getTime() ?? Number.POSITIVE_INFINITY))
}

/** The first time on the schedule at which the period is over. */
function isDueAt(cron: Cron, { toMs }: ReportPeriod): number {
  return cron.nextRun(new Date(toMs - 1))?.getTime() ?? Number.POSITIVE_INFINITY
}

function pastPeriods(kind: ReportKind, nowMs: number, timeZone: string): ReportPeriod[] {
  const periods = [periodBefore(periodAt(kind, nowMs, timeZone))]
  while (periods.length < periodsBack[kind]) periods.push(periodBefore(periods.at(-1)!))
  return periods
}
