/**
 * Alertmanager as a receiver: all alerts that are due in one request, told again while they fire and for a while after the end.
 *
 * It refuses a request as a whole when one alert in it is bad, though it takes the good ones. A refused request is therefore
 * halved until the bad alert is alone; what was taken is told twice, which is harmless there.
 */
import { alertmanagerAlerts } from '@lapwing/alerting/alertmanager-alert'
import type { Delivery } from '@lapwing/alerting/reconcile'
import { DeliveryError } from './delivery-errors.ts'
import { createHttpPoster, type HttpPoster } from './http-poster.ts'
import type { PodsOf } from './pod-source.ts'
import type { Receiver } from './receiver.ts'

export interface AlertmanagerOptions {
  readonly name: string
  /** Address of one Alertmanager, without a trailing slash. */
  readonly url: string
  readonly pageUrl: string
  readonly podsOf: PodsOf
  readonly resendMs: number
  readonly timeoutMs: number
  nowMs(): number
}

/** As long as Prometheus itself tells a resolution again. */
const resendResolvedForMs = 5 * 60_000

export function createAlertmanagerReceiver(options: AlertmanagerOptions): Receiver {
  const { name, resendMs, pageUrl, timeoutMs } = options
  const poster = createHttpPoster({
    name,
    url: new URL(`${options.url}/api/v2/alerts`),
    timeoutMs,
    failureIn: () => undefined,
  })
  const toBody = (delivery: Delivery) =>
    alertmanagerAlerts(
      delivery,
      { resendMs, resendResolvedForMs, pageUrl },
      { nowMs: options.nowMs(), pods: options.podsOf(delivery.members) },
    )
  return {
    name,
    unit: 'alert',
    policy: { resendMs, resendResolvedForMs, spacingMs: 0, batchSize: 200 },
    limits: undefined,
    deliver: (deliveries, signal) => postHalving(poster, deliveries, toBody, signal),
    breakerState: poster.breakerState,
    close: poster.close,
  }
}

async function postHalving(
  poster: HttpPoster,
  deliveries: readonly Delivery[],
  toBody: (delivery: Delivery) => object[],
  signal: AbortSignal,
): Promise<(DeliveryError | undefined)[]> {
  const error = await postAll(poster, deliveries.flatMap(toBody), signal)
  if (error?.code !== 'refused' || deliveries.length === 1) return deliveries.map(() => error)
  const middle = Math.ceil(deliveries.length / 2)
  return [
    ...(await postHalving(poster, deliveries.slice(0, middle), toBody, signal)),
    ...(await postHalving(poster, deliveries.slice(middle), toBody, signal)),
  ]
}

async function postAll(poster: HttpPoster, body: object[], signal: AbortSignal): Promise<DeliveryError | undefined> {
  if (body.length === 0) return undefined
  try {
    await poster.post(body, signal)
    return undefined
  } catch (error) {
    if (error instanceof DeliveryError) return error
    throw error
  }
}
