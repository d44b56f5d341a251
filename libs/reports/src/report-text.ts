/** Numbers of a report as people read them. */
import { localTime } from './report-period.ts'

export function shareText(share: number | null): string {
  return share === null ? '–' : `${(100 * share).toFixed(share < 0.1 && share > 0 ? 1 : 0)} %`
}

/** `45 s`, `12 min`, `3.5 h`, `2.1 d`; a dash where nothing is known. */
export function durationText(ms: number | null): string {
  if (ms === null) return '–'
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`
  return ms < 172_800_000 ? `${(ms / 3_600_000).toFixed(1)} h` : `${(ms / 86_400_000).toFixed(1)} d`
}

/** `2026-03-01 10:00`, as the clocks of the zone show it. */
export function clockText(ms: number, timeZone: string): string {
  return new Date(localTime(ms, timeZone)).toISOString().slice(0, 16).replace('T', ' ')
}

/** Four digits, in a power of ten where there would be many zeros. */
export function numberText(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : '–'
}

/** `3 more than the 12 before`, for a person who compares. */
export function changeText(now: number, before: number): string {
  if (now === before) return `as before`
  return now > before ? `${now - before} more than before` : `${before - now} fewer than before`
}
