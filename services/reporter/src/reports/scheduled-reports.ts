/**
 * Makes the reports that are due and delivers them, until it is stopped: at their time, after a start those that were missed, and again what failed.
 *
 * A report is in the folder before anybody hears of it. Meant to be configured for one replica: two would both deliver.
 */
import { join } from 'node:path'
import { readLabels } from '@lapwing/evaluation/labels-file'
import { canaryAccuracy } from '@lapwing/reports/canary-accuracy'
import { historyFileName, keepEvaluation, readHistory } from '@lapwing/reports/history-file'
import { type PeriodRecords, readRecords, recordsWithin } from '@lapwing/reports/period-records'
import { svgToPng } from '@lapwing/reports/plot'
import { buildReport, type Coverage, type RouteBudget } from '@lapwing/reports/report'
import { reportHtml } from '@lapwing/reports/report-html'
import { periodBefore, type ReportPeriod } from '@lapwing/reports/report-period'
import { episodesPlot } from '@lapwing/reports/report-plots'
import type { Log } from '@lapwing/stream/log'
import { dueReports, nextRunMs } from './due-reports.ts'
import { fileNameOf, isDone, openLedger, type ReportLedger } from './report-ledger.ts'
import type { ReportSettings } from './report-settings.ts'
import { type ReportTarget, reportTargets, type WrittenReport } from './report-targets.ts'

export interface ScheduledReports {
  readonly settings: ReportSettings
  readonly log: Log
  readonly prefix: string
  readonly budgets: readonly RouteBudget[]
  coverage(): Coverage
  now(): number
  /** @param error undefined: it went well */
  onReport(period: ReportPeriod, step: 'made' | ReportTarget['name'], error: Error | undefined): void
  readonly signal: AbortSignal
}

/** Resolves once stopped; without a schedule at once. */
export async function runScheduledReports(options: ScheduledReports): Promise<void> {
  const { settings, signal, now } = options
  if (Object.keys(settings.schedule).length === 0) return
  const ledger = openLedger(settings.folder)
  const targets = reportTargets(settings)
  while (!signal.aborted) {
    const isComplete = await makeDueReports(options, ledger, targets)
    const untilNextMs = nextRunMs(settings, now()) - now()
    await pause(Math.min(isComplete ? Number.POSITIVE_INFINITY : settings.retry_interval.ms, untilNextMs), signal)
  }
}

/** Whether nothing is left to be tried again. */
export async function makeDueReports(
  options: ScheduledReports,
  ledger: ReportLedger,
  targets: readonly ReportTarget[],
): Promise<boolean> {
  const { settings, log, prefix, now, onReport } = options
  const due = dueReports(settings, (period) => isDone(ledger, targets, period), now())
  if (due.length === 0) return true
  const newest = due.at(-1)!
  try {
    const records = await readRecords(log, prefix)
    const outcomes: boolean[] = []
    for (const period of due) {
      const isEmpty = recordsWithin(records, period.fromMs, period.toMs).anomalies.length === 0
      // Before Lapwing was there nothing was missed.
      if (isEmpty && period.toMs < newest.fromMs) ledger.keep(period, new Set(targets.map(({ name }) => name)))
      else outcomes.push(await deliver(period, writeReport(period, records, options, ledger), { ledger, targets, options }))
    }
    return outcomes.every(Boolean)
  } catch (error) {
    onReport(newest, 'made', error as Error)
    return false
  }
}

function writeReport(
  period: ReportPeriod,
  records: PeriodRecords,
  options: ScheduledReports,
  ledger: ReportLedger,
): WrittenReport {
  const { settings, budgets, coverage, onReport } = options
  const before = periodBefore(period)
  const historyFile = join(settings.folder, historyFileName)
  const report = buildReport({
    ...{ period, budgets, coverage: coverage() },
    canary: canaryAccuracy(records, period.fromMs, period.toMs),
    history: readHistory(historyFile),
    records: recordsWithin(records, period.fromMs, period.toMs),
    recordsBefore: recordsWithin(records, before.fromMs, before.toMs),
    truth: settings.labels_file === '' ? undefined : readLabels(settings.labels_file, undefined),
  })
  const written = { report, fileName: fileNameOf(period, 'html'), html: reportHtml(report), png: svgToPng(episodesPlot(report)) }
  keepEvaluation(historyFile, report.trend.at(-1)!)
  ledger.write(written.fileName, written.html)
  ledger.write(fileNameOf(period, 'png'), written.png)
  if (ledger.deliveredTo(period) === undefined) {
    ledger.keep(period, new Set())
    onReport(period, 'made', undefined)
  }
  return written
}

interface Delivering {
  readonly ledger: ReportLedger
  readonly targets: readonly ReportTarget[]
  readonly options: ScheduledReports
}

async function deliver(period: ReportPeriod, written: WrittenReport, { ledger, targets, options }: Delivering): Promise<boolean> {
  const delivered = new Set(ledger.deliveredTo(period))
  for (const target of targets) {
    if (delivered.has(target.name)) continue
    try {
      await target.deliver(written)
      delivered.add(target.name)
      ledger.keep(period, delivered)
      options.onReport(period, target.name, undefined)
    } catch (error) {
      options.onReport(period, target.name, error as Error)
    }
  }
  return targets.every(({ name }) => delivered.has(name))
}

/** Timers reach 24 days. */
const longestPauseMs = 86_400_000

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.min(Math.max(ms, 0), longestPauseMs))
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}
