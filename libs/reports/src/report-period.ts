/** The days, weeks and months that reports are about, in UTC. */

export const reportKinds = ['daily', 'weekly', 'monthly'] as const
export type ReportKind = (typeof reportKinds)[number]

export interface ReportPeriod {
  readonly kind: ReportKind
  readonly fromMs: number
  /** Does not belong to it. */
  readonly toMs: number
  /** `2026-03-01`, `2026-W09`, `2026-03`: unique among those of its kind, and sorts by time. */
  readonly name: string
}

const dayMs = 86_400_000

/** The period that the time lies in. Weeks begin on Monday (ISO 8601). */
export function periodAt(kind: ReportKind, atMs: number): ReportPeriod {
  const day = Math.floor(atMs / dayMs) * dayMs
  const date = new Date(day)
  if (kind === 'daily') return { kind, fromMs: day, toMs: day + dayMs, name: date.toISOString().slice(0, 10) }
  if (kind === 'monthly') {
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
    return { kind, fromMs: Date.UTC(year, month), toMs: Date.UTC(year, month + 1), name: date.toISOString().slice(0, 7) }
  }
  const monday = day - ((date.getUTCDay() + 6) % 7) * dayMs
  return { kind, fromMs: monday, toMs: monday + 7 * dayMs, name: weekName(monday) }
}

/** The one before. */
export function periodBefore({ kind, fromMs }: ReportPeriod): ReportPeriod {
  return periodAt(kind, fromMs - 1)
}

/** The week belongs to the year that its Thursday lies in. */
function weekName(monday: number): string {
  const thursday = new Date(monday + 3 * dayMs)
  const year = thursday.getUTCFullYear()
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * dayMs)) + 1
  return `${year}-W${String(week).padStart(2, '0')}`
}
