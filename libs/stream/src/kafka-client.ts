/**
 * One kafkajs client: how long it tries, and where its log lines go.
 *
 * Whatever ends an operation reaches the caller as a LogError, so kafkajs' own lines are detail and go to the debug level; a
 * broker that is down would otherwise be told of several times a second. The tries add up to a few seconds when nothing
 * answers; waiting longer is the caller's decision.
 */
import { Kafka, logLevel } from 'kafkajs'
import { registerCodecs } from './kafka-codecs.ts'

/** pino's calls. */
export interface KafkaLogger {
  debug(object: object, message: string): void
  warn(object: object, message: string): void
  error(object: object, message: string): void
}

export interface KafkaClientOptions {
  /** `host:port` of some brokers; the others are learnt from them. */
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly logger: KafkaLogger
}

export function createKafka({ brokers, clientId, logger }: KafkaClientOptions): Kafka {
  registerCodecs()
  return new Kafka({
    brokers: [...brokers],
    clientId,
    connectionTimeout: 2000,
    requestTimeout: 15_000,
    retry: { initialRetryTime: 100, multiplier: 2, maxRetryTime: 1000, retries: 4 },
    logLevel: logLevel.INFO,
    logCreator:
      () =>
      ({ namespace, label, log: { message, ...details } }) =>
        logger.debug({ component: 'kafkajs', namespace, kafkajsLevel: label, ...details }, message),
  })
}
