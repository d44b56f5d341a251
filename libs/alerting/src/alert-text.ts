/** The words of an alert, for every receiver: numbers, times, and the sentences that say what is wrong. */
import { episodeEnd } from '@lapwing/contracts/episode-end'
import type { Alert } from '@lapwing/contracts/records'
import { seriesText } from '@lapwing/contracts/series'

/** Reason of an end that nobody saw: what the detector knew of the series is lost or of other settings. */
export const beganAnew = 'began_anew'

/** `cpu_usage is unusual` and its end; one sentence without a full stop. */
export function summaryText(alert: Alert): string {
  const { metric, state, reason } = alert
  if (state !== 'resolved') return `${metric} is unusual`
  if (reason === beganAnew) return `${metric} is no longer followed as unusual: its detector began anew`
  return isGone(alert) ? `${metric} went away while it was unusual` : `${metric} is back to normal`
}

/** Why it ended, as `episodeEnd` says it, or `superseded`; empty while it fires, and where the alert was held back and its record does not tell. */
export function alertEnd({ state, reason, value }: Alert): string {
  if (state !== 'resolved') return ''
  if (reason === beganAnew || reason === 'superseded') return reason
  return reason === 'resolved' || !Number.isNaN(value) ? episodeEnd({ state, endReason: '', value }) : ''
}

/** Whether the episode ended because there was no series any more. */
export function isGone(alert: Alert): boolean {
  return alertEnd(alert) === 'series_gone'
}

/** The facts: what it was, what it should have been, and what stands out. */
export function descriptionText(alert: Alert): string {
  const reasons = alert.reasons.length > 0 ? ` (${reasonsText(alert)})` : ''
  return `Actual ${numberText(alert.value)}, expected ${numberText(alert.expected)} (${bandText(alert)}), score ${numberText(alert.score)}${reasons}.`
}

/** `level 70 %, novelty 30 %`, strongest first; empty when nothing is known. */
export function reasonsText(alert: Alert): string {
  return alert.reasons
    .slice(0, reasonsShown)
    .map(({ name, share }) => `${name} ${Math.round(share * 100)} %`)
    .join(', ')
}

const reasonsShown = 3

/** The expected band. */
export function bandText(alert: Alert): string {
  return `${numberText(alert.lower)} to ${numberText(alert.upper)}`
}

/** Four significant digits, plain between 0.001 and a million, without trailing zeros. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'no value' : value > 0 ? '+Inf' : '-Inf'
  const size = Math.abs(value)
  if (size !== 0 && (size < 0.001 || size >= 1e6)) return value.toExponential(3).replace(/\.?0+e/, 'e')
  return String(Number(value.toPrecision(size >= 1000 ? 6 : 4)))
}

/** `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return hours % 24 === 0 ? `${hours / 24} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** How long the episode lasted; null while it lasts. */
export function durationMs(alert: Alert): number | null {
  return alert.endedAtMs === null ? null : Math.max(0, alert.endedAtMs - alert.startedAtMs)
}

/** The page of the episode in the web interface. */
export function episodePage(pageUrl: string, alert: Alert): string {
  return `${pageUrl}/?series=${encodeURIComponent(alert.seriesKey)}&anomaly=${encodeURIComponent(alert.id)}`
}

const graphRange = '2h'

/** The series in Prometheus' expression browser, around the episode; undefined for the result of an expression, which is no series there. */
export function graphPage(prometheusUrl: string, { labels, endedAtMs, observedAtMs }: Alert): string | undefined {
  if (!labels.some(({ name }) => name === '__name__')) return undefined
  const end = new Date(endedAtMs ?? observedAtMs).toISOString().slice(0, 16).replace('T', ' ')
  const fields = { 'g0.expr': seriesText(labels), 'g0.tab': '0', 'g0.range_input': graphRange, 'g0.end_input': end }
  const query = Object.entries(fields).map(
    ([name, value]) => `${name}=${encodeURIComponent(value.replace(/\p{Cs}/gu, '\ufffd'))}`,
  )
  return `${prometheusUrl}/graph?${query.join('&')}`
}
