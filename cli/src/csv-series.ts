/** The cells of a series in a CSV file, `timestamp,value` with a header line; what is wrong is named with file and line. */
import { UserError } from './user-error.ts'

export interface Columns {
  readonly timestamp: number
  readonly value: number
}

/** Throws UserError. */
export function readHeader(line: string, path: string): Columns {
  const names = line
    .replace(/^\uFEFF/, '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
  const columns = { timestamp: names.indexOf('timestamp'), value: names.indexOf('value') }
  if (columns.timestamp < 0 || columns.value < 0) {
    throw new UserError(`${path}:1: expected a header line with the columns timestamp and value, found "${line.slice(0, 80)}"`)
  }
  return columns
}

/** Throws UserError. Milliseconds since the epoch from ISO 8601 (UTC unless it says otherwise), or from seconds or milliseconds as a number. */
export function readTimestamp(text: string, place: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) > newestSeconds ? Number(text) : Number(text) * 1000
  const ms = Date.parse(/[zZ]$|[+-]\d\d:?\d\d$/.test(text) ? text : `${text.replace(' ', 'T')}Z`)
  if (Number.isNaN(ms))
    throw new UserError(`${place}: timestamp: expected 2026-01-31 13:45:00 or seconds since 1970, found "${text}"`)
  return ms
}

/** Numbers above are milliseconds: as seconds they would lie beyond the year 5000. */
const newestSeconds = 1e11

const notANumber = new Set(['', 'nan', 'null', 'inf', '+inf', '-inf', 'infinity', '-infinity'])

/** NaN where there is no value. Throws UserError. */
export function readValue(text: string, place: string): number {
  if (notANumber.has(text.toLowerCase())) return Number.NaN
  const value = Number(text)
  if (Number.isNaN(value)) throw new UserError(`${place}: value: expected a number, found "${text}"`)
  return value
}
