/**
 * Anomaly records as CSV rows (RFC 4180), for people who want a file: one row when an episode opens, escalates or ends.
 *
 * The columns up to `opened` are those of `lapwing score`. Text is always quoted, and text that a spreadsheet would run as a
 * formula is preceded by an apostrophe, because label values come from strangers (OWASP, "CSV Injection"); numbers stand bare.
 */
import type { Anomaly } from '@lapwing/contracts/records'
import { seriesText } from '@lapwing/contracts/series'

export const csvHeader = 'timestamp,series,value,anomaly_score,expected,lower,upper,opened,state,severity,episode\n'

export function csvRow(anomaly: Anomaly): string {
  const cells = [
    timeCell(anomaly.observedAtMs),
    textCell(seriesText(anomaly.labels)),
    numberCell(anomaly.value),
    numberCell(anomaly.score),
    numberCell(anomaly.expected),
    numberCell(anomaly.lower),
    numberCell(anomaly.upper),
    anomaly.state === 'open' ? '1' : '0',
    anomaly.state,
    anomaly.severity,
    textCell(anomaly.episodeId),
  ]
  return `${cells.join(',')}\n`
}

/** Empty where a number is no time. */
export function timeCell(timestampMs: number): string {
  const at = new Date(timestampMs)
  return Number.isNaN(at.getTime()) ? '' : at.toISOString()
}

/** Empty where there is no number. */
export function numberCell(value: number): string {
  return Number.isFinite(value) ? String(value) : ''
}

export function textCell(text: string): string {
  const inert = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text
  return `"${inert.replaceAll('"', '""')}"`
}
