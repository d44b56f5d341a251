/** Makes a report from what lies on the log, and writes it where it is wanted. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { alerterSchema } from '@lapwing/alerter/config'
import { readLabels } from '@lapwing/evaluation/labels-file'
import { reporterSchema } from '@lapwing/reporter/config'
import { canaryAccuracy } from '@lapwing/reports/canary-accuracy'
import { historyFileName, readHistory } from '@lapwing/reports/history-file'
import { readRecords, recordsWithin } from '@lapwing/reports/period-records'
import { svgToPng } from '@lapwing/reports/plot'
import { buildReport, type Coverage } from '@lapwing/reports/report'
import { reportHtml } from '@lapwing/reports/report-html'
import { periodAt, periodBefore, periodOfDay, type ReportKind, type ReportPeriod } from '@lapwing/reports/report-period'
import { episodesPlot } from '@lapwing/reports/report-plots'
import { routeBudgets } from '@lapwing/reports/route-budgets'
import { loadConfig } from '@lapwing/service/config'
import { jsonLine } from '../terminal/text-table.ts'
import type { ConnectionFlags, Deployment } from '../topics/open-log.ts'
import { UserError } from '../user-error.ts'

export interface ReportFlags extends ConnectionFlags {
  readonly kind: ReportKind
  readonly date?: string
  readonly timeZone?: string
  readonly output?: string
  readonly png?: string
  readonly labels?: string
  readonly json: boolean
}

/** Rejects with a UserError or ConfigError. */
export async function makeReport({ log, prefix, write }: Deployment, flags: ReportFlags, nowMs: number): Promise<void> {
  const { alerter, reporter } = loadConfig(
    { alerter: alerterSchema, reporter: reporterSchema },
    { file: flags.config, profile: flags.profile, environment: process.env, sets: [] },
  )
  const period = chosenPeriod(flags, nowMs, flags.timeZone ?? reporter.reports.time_zone)
  const before = periodBefore(period)
  const [records, coverage] = await Promise.all([readRecords(log, prefix), coverageNow(alerter.page_url)])
  const report = buildReport({
    period,
    records: recordsWithin(records, period.fromMs, period.toMs),
    recordsBefore: recordsWithin(records, before.fromMs, before.toMs),
    truth: flags.labels === undefined ? undefined : readLabels(flags.labels, undefined),
    budgets: routeBudgets(alerter.route),
    coverage,
    canary: canaryAccuracy(records, period.fromMs, period.toMs),
    history: readHistory(join(reporter.reports.folder, historyFileName)),
  })
  if (flags.png !== undefined) writeFileSync(flags.png, svgToPng(episodesPlot(report)))
  if (flags.json) return write(jsonLine(report))
  const file = flags.output ?? `lapwing-${period.kind}-${period.name}.html`
  if (file === '-') return write(reportHtml(report))
  writeFileSync(file, reportHtml(report))
  const { told, episodes, spared } = report.figures
  write(`${file}: ${told} incidents told of ${episodes} episodes, ${spared} records spared\n`)
}

function chosenPeriod({ kind, date }: ReportFlags, nowMs: number, timeZone: string): ReportPeriod {
  if (date === undefined) return periodBefore(periodAt(kind, nowMs, timeZone))
  const day = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(date) : Number.NaN
  if (Number.isNaN(day)) throw new UserError(`--date: expected a day such as 2026-03-01, found ${JSON.stringify(date)}`)
  return periodOfDay(kind, day, timeZone)
}

const patienceMs = 3000

/** As the page has it; undefined when it does not answer, or does not let us in. */
async function coverageNow(pageUrl: string): Promise<Coverage | undefined> {
  try {
    const answer = await fetch(`${pageUrl}/api/v1/overview`, { signal: AbortSignal.timeout(patienceMs) })
    if (!answer.ok) return undefined
    const { series } = (await answer.json()) as { series: { shown: number; notShown: number; byState: Record<string, number> } }
    const byState = Object.entries(series.byState).filter(([, count]) => count > 0)
    return { series: series.shown + series.notShown, byState: byState.sort(([, a], [, b]) => b - a) }
  } catch {
    return undefined
  }
}
