/** The Kafka log of a service in a process of its own: opened from its configuration, closed with it. */

import { accessOf, type KafkaAccessSettings } from './kafka-access.ts'
import type { KafkaLogger } from './kafka-client.ts'
import { createKafkaLog } from './kafka-log.ts'
import type { Log } from './log.ts'

/** The part of a service that is needed; typed by shape, because this library does not know services. */
export interface LogOwner {
  readonly name: string
  readonly config: { readonly kafka: KafkaAccessSettings & { readonly brokers: readonly string[] } }
  readonly logger: KafkaLogger
  onClose(name: string, close: () => Promise<void>): void
}

/** Connects lazily: an unreachable broker shows at the first call. */
export function openKafkaLog({ name, config, logger, onClose }: LogOwner): Log {
  const log = createKafkaLog({
    brokers: config.kafka.brokers,
    access: accessOf(config.kafka),
    clientId: `lapwing-${name}`,
    logger,
  })
  onClose('log', () => log.close())
  return log
}
