/**
 * The service's own log as a receiver: it is always there, so an installation without Slack and Alertmanager sees its alerts too.
 *
 * What comes from outside stands in fields, which are escaped, and never in the message, which a terminal would obey.
 */
import { descriptionText } from '@lapwing/alerting/alert-text'
import type { Logger } from 'pino'
import type { Receiver } from './receiver.ts'

export function createLogReceiver(logger: Logger, name: string): Receiver {
  return {
    name,
    unit: 'incident',
    policy: { resendMs: null, resendResolvedForMs: 0, spacingMs: 0, batchSize: 1000 },
    limits: undefined,
    deliver: async (deliveries) =>
      deliveries.map(({ alert, members }) => {
        const { id, state, severity, metric, labels } = alert
        logger.info(
          { incident: id, severity, metric, labels, series: members.length, description: descriptionText(alert) },
          `incident is ${state}`,
        )
        return undefined
      }),
    breakerState: () => 'closed',
    close: () => {},
  }
}
