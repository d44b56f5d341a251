/** What the API accepts in its query strings. A parameter that is unknown is refused: a misspelt filter must not answer with everything. */
import { seriesStates } from '@lapwing/contracts/series-state'
import { z } from 'zod'

const mostRows = 1000
const longestPromql = 4000
const longestRangeMs = 35 * 86_400_000

export const seriesListQuery = z.strictObject({
  search: z.string().max(500).default(''),
  state: z.enum([...seriesStates, 'ended']).optional(),
  sort: z.enum(['score', 'name']).default('score'),
  limit: limitOf(200),
})

const seriesKey = z.string().regex(/^[0-9a-f]{32}$/, 'expected 32 hexadecimal digits')

export const seriesKeyParameters = z.strictObject({ key: seriesKey })

/** `after`: only points newer than this. */
export const seriesDetailQuery = z.strictObject({ after: time().optional() })

const anomalyFilters = {
  state: z.enum(['open', 'resolved']).optional(),
  from: time().optional(),
  to: time().optional(),
  series: seriesKey.optional(),
}

export const anomalyListQuery = z.strictObject({ ...anomalyFilters, limit: limitOf(100) })

export const exportQuery = z.strictObject({ ...anomalyFilters, format: z.enum(['csv', 'json']).default('csv') })

export const precisionQuery = z.strictObject({ from: time().optional() })

export const anomalyParameters = z.strictObject({ episodeId: z.string().min(1).max(500) })

export const muteParameters = z.strictObject({ id: z.string().min(1).max(100) })

export const exploreQuery = z
  .strictObject({
    query: z.string().trim().min(1, 'expected PromQL').max(longestPromql),
    from: time().optional(),
    to: time().optional(),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || (to > from && to - from <= longestRangeMs), {
    error: 'expected an end after the beginning, at most 35 days later',
    path: ['to'],
  })

export const modelParameters = z.strictObject({ modelId: z.string().min(1).max(500) })

export const noQuery = z.strictObject({})

function limitOf(byDefault: number) {
  return z.coerce.number().int().min(1).max(mostRows).default(byDefault)
}

/** Milliseconds since the epoch, or a date that says its time zone. */
function time() {
  return z
    .string()
    .refine(
      (text) => Number.isFinite(timeOf(text)),
      'expected milliseconds since the epoch or a time such as 2026-01-31T12:00:00Z',
    )
    .transform(timeOf)
    .describe('Milliseconds since the epoch, or a time such as 2026-01-31T12:00:00Z')
}

function timeOf(text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  return /(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
}
