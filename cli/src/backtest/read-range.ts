/** The range of a backtest as people write it. */
import { UserError } from '../user-error.ts'

const unitsMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/**
 * Milliseconds since the epoch of `2026-03-01T10:00:00Z`, `2026-03-01` (midnight UTC), seconds since 1970, `now`, or `-7d` (so long ago; m, h, d, w).
 * Throws a UserError that names the flag.
 */
export function readMoment(text: string, flag: string, nowMs: number): number {
  if (text === 'now') return nowMs
  const [, amount, unit] = /^-(\d{1,6})([mhdw])$/.exec(text) ?? []
  if (amount !== undefined) return nowMs - Number(amount) * unitsMs[unit!]!
  const ms = /^\d{9,10}$/.test(text) ? Number(text) * 1000 : Date.parse(text)
  if (Number.isNaN(ms)) {
    throw new UserError(`${flag}: expected a time such as 2026-03-01T10:00:00Z, -7d or now, found ${JSON.stringify(text)}`)
  }
  return ms
}
