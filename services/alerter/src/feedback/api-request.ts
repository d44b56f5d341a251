/** The body of `POST /api/feedback`, for pages and programs of other people. */
import type { GivenVerdict } from '@lapwing/contracts/verdict-record'
import { duration } from '@lapwing/service/config-fields'
import { z } from 'zod'

const verdicts = ['confirmed', 'false_alarm', 'expected', 'known', 'new_normal', 'undone'] as const
/** Verdicts that may hold for a time; `expected` must. */
const timed: readonly string[] = ['expected', 'known']

const requestSchema = z
  .strictObject({
    /** Id of an anomaly record, or of its episode. */
    anomaly_id: z.string().regex(/^[\w/-]{1,100}$/, 'expected the id of an anomaly or of its episode'),
    verdict: z.enum(verdicts),
    /** How long it holds, such as 4h. */
    for: duration(1000).optional(),
    author: z.string().min(1).max(200),
    comment: z.string().max(2000).default(''),
  })
  .superRefine(({ verdict, for: time }, context) => {
    const complain = (message: string) => context.addIssue({ code: 'custom', path: ['for'], message })
    if (verdict === 'expected' && !time) complain('expected a time such as 4h: what is expected is so for a time')
    if (time && !timed.includes(verdict)) complain(`expected no time: ${verdict} is for good`)
  })

export interface ApiRequest {
  readonly anomalyId: string
  readonly given: GivenVerdict
}

/** The request, or what is wrong with it, a sentence per field. */
export function readApiRequest(body: unknown, nowMs: number): ApiRequest | readonly string[] {
  const parsed = requestSchema.safeParse(body)
  if (!parsed.success) return parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`)
  const { anomaly_id: anomalyId, verdict, for: time, author, comment } = parsed.data
  const untilMs = time ? nowMs + time.ms : null
  return { anomalyId, given: { verdict, author, comment, origin: 'api', atMs: nowMs, untilMs } }
}
