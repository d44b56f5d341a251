/**
 * One kafkajs client: how long it tries, and where its log lines go.
 *
 * Whatever ends an operation reaches the caller as a LogError, so kafkajs' own lines are detail and go to the debug level; a
 * broker that is down would otherwise be told of several times a second.
 */
import { Kafka, logLevel, type RetryOptions } from 'kafkajs'
import type { KafkaAccess } from './kafka-access.ts'
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
  /** Undefined: in clear text, without a login. */
  readonly access?: KafkaAccess | undefined
  readonly logger: KafkaLogger
}

/** Two seconds in all when nothing answers: waiting longer is the caller's decision. */
export const briefPatience: RetryOptions = { initialRetryTime: 100, multiplier: 2, maxRetryTime: 1000, retries: 4 }

/** For members of groups: who gives up loses its membership, and with it what it has in memory of its partitions. */
export const endlessPatience: RetryOptions = { ...briefPatience, retries: Number.MAX_SAFE_INTEGER }

export function createKafka({ brokers, clientId, access, logger }: KafkaClientOptions, retry: RetryOptions): Kafka {
  registerCodecs()
  return new Kafka({
    brokers: [...brokers],
    clientId,
    ...access,
    connectionTimeout: 2000,
    requestTimeout: 15_000,
    retry,
    logLevel: logLevel.INFO,
    logCreator:
      () =>
      ({ namespace, label, log: { message, ...details } }) =>
        logger.debug({ component: 'kafkajs', namespace, kafkajsLevel: label, ...details }, message),
  })
}
