/** Kinds of configuration values: durations with units, addresses, and secrets that cannot be printed by accident. */
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { z } from 'zod'

/** A length of time; the unit stands in the name of its field, so that a use reads `config.step.ms`. */
export interface Duration {
  readonly ms: number
}

/** `15s`, `5m`, `1h30m`, `500ms`, as in Prometheus; a bare number is seconds. */
export function duration(atLeastMs = 1) {
  return z.union([z.string(), z.number()]).transform((value, context): Duration => {
    const ms = typeof value === 'number' ? value * 1000 : parseDuration(value)
    if (ms === undefined) context.addIssue({ code: 'custom', message: 'expected a duration such as 15s, 5m or 1h30m' })
    else if (ms < atLeastMs) context.addIssue({ code: 'custom', message: `expected a duration of at least ${atLeastMs} ms` })
    return { ms: ms ?? Number.NaN }
  })
}

/** The way back: as one would write it, in the largest unit that gives a whole number. */
export function durationText(ms: number): string {
  const [unit, size] = Object.entries(unitsMs).findLast(([, size]) => ms % size === 0) ?? ['ms', 1]
  return `${ms / size}${unit}`
}

/** An http or https address without a trailing slash. */
export function httpUrl() {
  return z
    .string()
    .refine(
      (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
      'expected an address such as http://prometheus:9090',
    )
    .transform((text) => text.replace(/\/+$/, ''))
}

/** IANA name of a time zone. */
export function timeZone() {
  return z.string().refine(isTimeZone, 'expected a time zone such as UTC or Europe/Berlin')
}

/** Path of a file that is there and can be read; what it holds is read when it is needed. */
export function readableFile() {
  return z.string().superRefine((path, context) => {
    try {
      readFileSync(path)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      context.addIssue({ code: 'custom', message: `expected a file that can be read (${code})` })
    }
  })
}

/** Text that must not appear in logs, reports or errors: only `reveal` gives it out. */
export class Secret {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }
  reveal(): string {
    return this.#text
  }
  toString(): string {
    return masked
  }
  toJSON(): string {
    return masked
  }
  [inspect.custom](): string {
    return masked
  }
}

/** In the JSON Schema of the configuration it is `writeOnly`, so that what may be secret can be found. */
export function secret() {
  return z
    .unknown()
    .transform((value, context): Secret => {
      if (typeof value !== 'string')
        context.addIssue({ code: 'custom', message: 'expected text in quotes', params: { secret: true } })
      return new Secret(String(value))
    })
    .meta({ writeOnly: true })
}

/** A place for objects that speaks the API of Amazon S3. */
export function bucket(prefix: string) {
  return z.strictObject({
    endpoint: httpUrl(),
    bucket: z
      .string()
      .regex(
        /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
        'expected the name of a bucket: 3 to 63 small letters, digits, dots and dashes',
      ),
    /** Before the name of each object. */
    prefix: z.string().default(prefix),
    region: z.string().min(1).default('us-east-1'),
    access_key_id: z.string().min(1),
    secret_access_key: secret(),
  })
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}

const masked = '[secret]'
const unitsMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(text)) return undefined
  let ms = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)) ms += Number(amount) * (unitsMs[unit!] ?? 0)
  return ms
}
