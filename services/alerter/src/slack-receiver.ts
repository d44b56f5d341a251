/** Slack as a receiver, through an incoming webhook: one message for the beginning, one for each rise in severity, one for the end. */
import type { Allowance } from '@lapwing/alerting/limits'
import { type SlackLinks, slackDigest, slackMessage } from '@lapwing/alerting/slack-message'
import type { Secret } from '@lapwing/service/config-fields'
import { deliveryError } from './delivery-errors.ts'
import { createHttpPoster } from './http-poster.ts'
import type { PodsOf } from './pod-source.ts'
import type { DeliveryAnswer, Receiver } from './receiver.ts'
import { secretAddress } from './secret-address.ts'
import type { WindowOf } from './window-source.ts'

export interface SlackOptions {
  readonly name: string
  readonly webhookUrl: Secret
  readonly links: SlackLinks
  readonly windowOf: WindowOf
  readonly podsOf: PodsOf
  readonly rateLimit: Allowance | undefined
  readonly timeoutMs: number
}

/** About what Slack allows a webhook. */
const spacingMs = 1000

/** Throws an error that does not show the address when that is none. */
export function createSlackReceiver({ name, webhookUrl, links, windowOf, podsOf, rateLimit, timeoutMs }: SlackOptions): Receiver {
  const poster = createHttpPoster({
    name,
    url: secretAddress('alerter.slack_webhook_url', webhookUrl),
    timeoutMs,
    failureIn: (answer) => (answer.trim() === 'ok' ? undefined : 'unexpected_answer'),
  })
  return {
    name,
    unit: 'incident',
    policy: { resendMs: null, resendResolvedForMs: 0, spacingMs, batchSize: 1 },
    limits: { rateLimit },
    deliver: async (deliveries, signal) => {
      const answers: DeliveryAnswer[] = []
      for (const delivery of deliveries) {
        const { values: window } = await windowOf(delivery.alert, signal)
        const message = slackMessage(delivery, links, { window, pods: podsOf(delivery.members) })
        answers.push(await poster.post(message, signal).then(() => undefined, deliveryError))
      }
      return answers
    },
    tellDigest: (digest, route, signal) =>
      poster.post(slackDigest(digest, route, links), signal).then(() => undefined, deliveryError),
    breakerState: poster.breakerState,
    close: poster.close,
  }
}
