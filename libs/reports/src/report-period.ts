/** The days, weeks and months that reports are about, as the clocks of a time zone have them. */

export const reportKinds = ['daily', 'weekly', 'monthly'] as const
export type ReportKind = (typeof reportKinds)[number]

export interface ReportPeriod {
  readonly kind: ReportKind
  readonly fromMs: number
  /** Does not belong to it. */
  readonly toMs: number
  /** `2026-03-01`, `2026-W09`, `2026-03`: unique among those of its kind, and sorts by time. */
  readonly name: string
  /** IANA name of the zone whose days they are. */
  readonly timeZone: string
}

const dayMs = 86_400_000

/** The period that the time lies in. Weeks begin on Monday (ISO 8601). A day on which clocks are changed is 23 or 25 hours long. */
export function periodAt(kind: ReportKind, atMs: number, timeZone: string): ReportPeriod {
  return periodOfDay(kind, localDay(atMs, timeZone), timeZone)
}

/**
 * The period that a day of the calendar lies in.
 *
 * @param day midnight of the day, were the zone UTC
 */
export function periodOfDay(kind: ReportKind, day: number, timeZone: string): ReportPeriod {
  const { first, next, name } = calendarPeriod(kind, day)
  return { kind, fromMs: midnight(first, timeZone), toMs: midnight(next, timeZone), name, timeZone }
}

/** The one before. */
export function periodBefore({ kind, fromMs, timeZone }: ReportPeriod): ReportPeriod {
  return periodAt(kind, fromMs - 1, timeZone)
}

/** When each day, or with `hours` each hour, of it begins. */
export function partsOf({ fromMs, toMs, timeZone }: ReportPeriod, part: 'hours' | 'days'): number[] {
  const starts = [fromMs]
  for (;;) {
    const last = starts.at(-1)!
    const next = part === 'hours' ? last + 3_600_000 : periodAt('daily', last, timeZone).toMs
    if (next >= toMs) return starts
    starts.push(next)
  }
}

interface CalendarPeriod {
  /** Days as above. */
  readonly first: number
  readonly next: number
  readonly name: string
}

function calendarPeriod(kind: ReportKind, day: number): CalendarPeriod {
  const date = new Date(day)
  if (kind === 'daily') return { first: day, next: day + dayMs, name: date.toISOString().slice(0, 10) }
  if (kind === 'monthly') {
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
    return { first: Date.UTC(year, month), next: Date.UTC(year, month + 1), name: date.toISOString().slice(0, 7) }
  }
  const monday = day - ((date.getUTCDay() + 6) % 7) * dayMs
  return { first: monday, next: monday + 7 * dayMs, name: weekName(monday) }
}

/** The week belongs to the year that its Thursday lies in. */
function weekName(monday: number): string {
  const thursday = new Date(monday + 3 * dayMs)
  const year = thursday.getUTCFullYear()
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * dayMs)) + 1
  return `${year}-W${String(week).padStart(2, '0')}`
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** What the clocks of the zone show, as the time at which those of UTC show it; to the minute. */
export function localTime(atMs: number, timeZone: string): number {
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat('en-US', {
      ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' },
    })
  formats.set(timeZone, format)
  const shown: Record<string, number> = {}
  for (const { type, value } of format.formatToParts(atMs)) shown[type] = Number(value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = shown
  return Date.UTC(year, month - 1, day, hour, minute)
}

function localDay(atMs: number, timeZone: string): number {
  return Math.floor(localTime(atMs, timeZone) / dayMs) * dayMs
}

/** The first moment of the day: where clocks jump over midnight, the one after the jump. */
function midnight(day: number, timeZone: string): number {
  const offsets = [day - dayMs, day + dayMs].map((atMs) => localTime(atMs, timeZone) - atMs)
  const tried = offsets.map((offsetMs) => day - offsetMs).sort((a, b) => a - b)
  return tried.find((atMs) => localTime(atMs, timeZone) >= day) ?? tried.at(-1)!
}
