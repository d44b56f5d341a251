/**
 * Alertmanager's silences as mutes.
 *
 * Expired ones are left out, and those whose pattern RE2 does not take: Alertmanager runs the same kind of expressions, so there
 * should be none.
 *
 * Source: Alertmanager's OpenAPI description, `GET /api/v2/silences`.
 */
import { createMatcher } from '@lapwing/alerting/matcher'
import type { Mute } from '@lapwing/alerting/mute'
import { ReadableError } from '@lapwing/alerting/readable-error'
import { z } from 'zod'

const silenceSchema = z.object({
  id: z.string(),
  status: z.object({ state: z.string() }),
  matchers: z.array(z.object({ name: z.string(), value: z.string(), isRegex: z.boolean(), isEqual: z.boolean().default(true) })),
  startsAt: z.string(),
  endsAt: z.string(),
  createdBy: z.string(),
  comment: z.string(),
})

const timeoutMs = 10_000

/** @param url of Alertmanager, without a trailing slash. Rejects when it does not answer, or with something else. */
export async function fetchSilences(url: string): Promise<Mute[]> {
  const response = await fetch(`${url}/api/v2/silences`, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) })
  if (!response.ok) throw new Error(`Alertmanager answered HTTP ${response.status}`)
  const silences = z.array(silenceSchema).safeParse(await response.json())
  if (!silences.success) throw new Error('Alertmanager answered something else than silences')
  return silences.data.flatMap(toMute).sort((a, b) => (a.id < b.id ? -1 : 1))
}

function toMute(silence: z.output<typeof silenceSchema>): Mute[] {
  if (silence.status.state === 'expired') return []
  try {
    return [
      {
        id: `silence ${silence.id}`,
        matchers: silence.matchers.map(({ name, value, isRegex, isEqual }) =>
          createMatcher(name, operators[`${isEqual}-${isRegex}`], value),
        ),
        startsAtMs: Date.parse(silence.startsAt),
        endsAtMs: Date.parse(silence.endsAt),
        intervals: [],
        windows: null,
        author: silence.createdBy,
        comment: silence.comment,
      },
    ]
  } catch (error) {
    if (error instanceof ReadableError) return []
    throw error
  }
}

const operators = { 'true-false': '=', 'false-false': '!=', 'true-true': '=~', 'false-true': '!~' } as const
