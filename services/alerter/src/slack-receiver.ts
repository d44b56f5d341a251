/** Slack as a receiver, through an incoming webhook: one message for the beginning, one for each rise in severity, one for the end. */
import { slackMessage } from '@lapwing/alerting/slack-message'
import type { Secret } from '@lapwing/service/config-fields'
import { DeliveryError } from './delivery-errors.ts'
import { createHttpPoster } from './http-poster.ts'
import type { Receiver } from './receiver.ts'

export interface SlackOptions {
  readonly webhookUrl: Secret
  readonly pageUrl: string
  readonly flappingHoldMs: number
  readonly timeoutMs: number
}

/** About what Slack allows a webhook. */
const spacingMs = 1000

/** Throws an error that does not show the address when that is none. */
export function createSlackReceiver({ webhookUrl, pageUrl, flappingHoldMs, timeoutMs }: SlackOptions): Receiver {
  const poster = createHttpPoster({
    name: 'slack',
    url: addressOf(webhookUrl),
    timeoutMs,
    taken: (answer) => answer.trim() === 'ok',
  })
  return {
    name: 'slack',
    policy: { resendMs: null, resendResolvedForMs: 0, spacingMs, batchSize: 1, flappingHoldMs },
    deliver: async (deliveries, signal) => {
      const answers: (DeliveryError | undefined)[] = []
      for (const delivery of deliveries) {
        answers.push(await poster.post(slackMessage(delivery, pageUrl), signal).then(() => undefined, deliveryError))
      }
      return answers
    },
    breakerState: poster.breakerState,
    close: poster.close,
  }
}

function addressOf(webhookUrl: Secret): URL {
  const text = webhookUrl.reveal()
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text)
  throw new Error('alerter.slack_webhook_url: expected an http or https address; what is set is not shown because it is a secret')
}

function deliveryError(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error
  throw error
}
