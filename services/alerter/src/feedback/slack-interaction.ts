/**
 * What Slack tells when a button is pressed, read as a verdict.
 *
 * Source: Slack "block_actions payload"; a form with one field, `payload`, that holds JSON.
 */
import { type PressedButton, readButton } from '@lapwing/alerting/slack-buttons'
import type { GivenVerdict } from '@lapwing/contracts/verdict-record'
import { z } from 'zod'

const payloadSchema = z.object({
  type: z.string(),
  user: z.object({ id: z.string().max(100), username: z.string().max(200).optional(), name: z.string().max(200).optional() }),
  response_url: z.url({ protocol: /^https?$/ }).optional(),
  actions: z
    .array(z.object({ action_id: z.string(), value: z.string().optional(), action_ts: z.string().regex(/^\d{1,12}(\.\d+)?$/) }))
    .max(10)
    .default([]),
})

export interface SlackInteraction {
  /** Where an answer to the person goes. */
  readonly responseUrl: string | undefined
  /** Undefined for a button that is none of ours. */
  readonly pressed: (PressedButton & { readonly value: string; readonly given: GivenVerdict }) | undefined
}

/** Undefined when it is not what Slack sends. */
export function readInteraction(body: Buffer): SlackInteraction | undefined {
  const payload = payloadSchema.safeParse(parsedJson(new URLSearchParams(body.toString('utf8')).get('payload') ?? ''))
  if (!payload.success) return undefined
  const { type, user, response_url: responseUrl, actions } = payload.data
  const [action] = actions
  const pressed = type === 'block_actions' && action ? readButton(action.action_id, action.value ?? '') : undefined
  if (!action || !pressed) return { responseUrl, pressed: undefined }
  // The time is Slack's, so a request that comes twice says the same.
  const atMs = Math.floor(Number(action.action_ts) * 1000)
  const { verdict, forMs } = pressed
  const author = `${user.username ?? user.name ?? 'somebody'} (${user.id})`
  const untilMs = forMs === null ? null : atMs + forMs
  const given: GivenVerdict = { verdict, author, comment: '', origin: 'slack', atMs, untilMs }
  return { responseUrl, pressed: { ...pressed, value: action.value!, given } }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
