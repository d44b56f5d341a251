/**
 * The service's own log as a receiver: it is always there, so an installation without Slack and Alertmanager sees its alerts too.
 *
 * What comes from outside stands in fields, which are escaped, and never in the message, which a terminal would obey.
 */
import { descriptionText } from '@lapwing/alerting/alert-text'
import type { Logger } from 'pino'
import type { Receiver } from './receiver.ts'

export function createLogReceiver(logger: Logger, flappingHoldMs: number): Receiver {
  return {
    name: 'log',
    policy: { resendMs: null, resendResolvedForMs: 0, spacingMs: 0, batchSize: 1000, flappingHoldMs },
    deliver: async (deliveries) =>
      deliveries.map(({ alert }) => {
        const { id, state, severity, metric, labels } = alert
        logger.info({ alert: id, severity, metric, labels, description: descriptionText(alert) }, `alert is ${state}`)
        return undefined
      }),
    breakerState: () => 'closed',
    close: () => {},
  }
}
