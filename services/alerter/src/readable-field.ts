/** Texts that people write and a reader of `libs/alerting` understands: its complaint becomes the configuration's, with file and line. */
import { ReadableError } from '@lapwing/alerting/readable-error'
import { z } from 'zod'

/** A text, read by `read`, which throws ReadableError. */
export function readable<T>(read: (text: string) => T) {
  return z.string().transform((text, context): T => {
    try {
      return read(text)
    } catch (error) {
      if (!(error instanceof ReadableError)) throw error
      context.addIssue({ code: 'custom', message: error.message })
      return z.NEVER
    }
  })
}

/** A moment with its offset from UTC, as milliseconds since the epoch. YAML's own timestamps are taken too. */
export function moment() {
  return z.iso
    .datetime({ offset: true, error: 'expected a moment such as 2026-01-05T10:00:00Z or 2026-01-05T11:00:00+01:00' })
    .transform((text) => Date.parse(text))
}
