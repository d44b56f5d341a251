/** What the API accepts in its query strings. A parameter that is unknown is refused: a misspelt filter must not answer with everything. */
import { seriesStates } from '@lapwing/contracts/series-state'
import { z } from 'zod'

const mostRows = 1000

export const seriesListQuery = z.strictObject({
  search: z.string().max(500).default(''),
  state: z.enum(seriesStates).optional(),
  sort: z.enum(['score', 'name']).default('score'),
  limit: limitOf(200),
})

export const seriesKeyParameters = z.strictObject({ key: z.string().regex(/^[0-9a-f]{32}$/, 'expected 32 hexadecimal digits') })

/** `after`: only points newer than this. */
export const seriesDetailQuery = z.strictObject({ after: time().optional() })

export const anomalyListQuery = z.strictObject({
  state: z.enum(['open', 'resolved']).optional(),
  from: time().optional(),
  series: z
    .string()
    .regex(/^[0-9a-f]{32}$/, 'expected 32 hexadecimal digits')
    .optional(),
  limit: limitOf(100),
})

export const anomalyParameters = z.strictObject({ episodeId: z.string().min(1).max(500) })

export const noQuery = z.strictObject({})

/** The problems of a refused query, one sentence. */
export function problemText(error: z.ZodError): string {
  return error.issues.map((issue) => [...issue.path, issue.message].join(': ')).join('; ')
}

function limitOf(byDefault: number) {
  return z.coerce.number().int().min(1).max(mostRows).default(byDefault)
}

/** Milliseconds since the epoch, or a date that says its time zone. */
function time() {
  return z.string().transform((text, context) => {
    const ms = /^\d+$/.test(text) ? Number(text) : /(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
    if (!Number.isFinite(ms))
      context.addIssue({
        code: 'custom',
        message: 'expected milliseconds since the epoch or a time such as 2026-01-31T12:00:00Z',
      })
    return ms
  })
}
