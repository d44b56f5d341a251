/** What was done of each report, in a file beside it: so that a restart neither forgets a delivery nor repeats one that is known. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ReportPeriod } from '@lapwing/reports/report-period'
import type { ReportTarget } from './report-targets.ts'

export interface ReportLedger {
  /** Names of the targets that have it; undefined when the report was never made. */
  deliveredTo(period: ReportPeriod): ReadonlySet<string> | undefined
  keep(period: ReportPeriod, deliveredTo: ReadonlySet<string>): void
  /** Writes a file of the report; whoever reads it sees all of it or none. */
  write(fileName: string, content: string | Buffer): void
}

export function fileNameOf({ kind, name }: ReportPeriod, extension: 'html' | 'png' | 'json'): string {
  return `lapwing-${kind}-${name}.${extension}`
}

/** Throws what the file system throws. */
export function openLedger(folder: string): ReportLedger {
  mkdirSync(folder, { recursive: true })
  const write = (fileName: string, content: string | Buffer) => {
    const target = join(folder, fileName)
    writeFileSync(`${target}.unfinished`, content)
    renameSync(`${target}.unfinished`, target)
  }
  return {
    write,
    deliveredTo: (period) => {
      const file = join(folder, fileNameOf(period, 'json'))
      return existsSync(file) ? new Set((JSON.parse(readFileSync(file, 'utf8')) as { delivered: string[] }).delivered) : undefined
    },
    keep: (period, deliveredTo) =>
      write(fileNameOf(period, 'json'), `${JSON.stringify({ delivered: [...deliveredTo].sort() })}\n`),
  }
}

/** Whether nothing is left to be done. */
export function isDone(ledger: ReportLedger, targets: readonly ReportTarget[], period: ReportPeriod): boolean {
  const delivered = ledger.deliveredTo(period)
  return delivered !== undefined && targets.every(({ name }) => delivered.has(name))
}
