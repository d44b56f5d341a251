/**
 * Any HTTP endpoint as a receiver: one CloudEvent per state of an incident.
 *
 * Structured mode, so that a gateway which drops headers loses nothing. The event's id is a function of incident, state and
 * severity, so an event that is sent twice can be recognised.
 *
 * Source: CloudEvents 1.0.2, JSON event format and HTTP protocol binding.
 */

import { cloudEvent } from '@lapwing/alerting/cloud-event'
import type { Allowance } from '@lapwing/alerting/limits'
import type { Secret } from '@lapwing/service/config-fields'
import { deliveryError } from './delivery-errors.ts'
import { createHttpPoster } from './http-poster.ts'
import type { PodsOf } from './pod-source.ts'
import type { Receiver } from './receiver.ts'
import { secretAddress } from './secret-address.ts'

export interface WebhookOptions {
  readonly name: string
  readonly webhookUrl: Secret
  readonly pageUrl: string
  readonly podsOf: PodsOf
  readonly rateLimit: Allowance | undefined
  readonly timeoutMs: number
}

export function createWebhookReceiver({ name, webhookUrl, pageUrl, podsOf, rateLimit, timeoutMs }: WebhookOptions): Receiver {
  const poster = createHttpPoster({
    ...{ name, timeoutMs },
    url: secretAddress('webhook_url of a receiver', webhookUrl),
    contentType: 'application/cloudevents+json',
    failureIn: () => undefined,
  })
  return {
    name,
    unit: 'incident',
    policy: { resendMs: null, resendResolvedForMs: 0, spacingMs: 0, batchSize: 1 },
    limits: { rateLimit },
    deliver: (deliveries, signal) =>
      Promise.all(
        deliveries.map((delivery) =>
          poster.post(cloudEvent(delivery, pageUrl, podsOf(delivery.members)), signal).then(() => undefined, deliveryError),
        ),
      ),
    breakerState: poster.breakerState,
    close: poster.close,
  }
}
