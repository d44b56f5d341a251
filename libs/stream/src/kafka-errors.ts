/**
 * kafkajs' errors as LogErrors.
 *
 * kafkajs wraps: what happened is often the cause of the cause. The chain is searched from the outside for the first name or
 * protocol error that says more than that retries ran out.
 */
import { LogError, type LogErrorCode } from './errors.ts'

export function toLogError(error: unknown): LogError {
  for (let at = error; at instanceof Error; at = at.cause ?? firstOf(at)) {
    if (at instanceof LogError) return at
    const code = codeOf(at)
    if (code) return new LogError(code, at.message, error)
  }
  const { message, retriable } = error as { message?: string; retriable?: boolean }
  return new LogError(retriable ? 'timeout' : 'unexpected', message ?? String(error), error)
}

function firstOf(error: Error): unknown {
  return (error as { errors?: unknown[] }).errors?.[0]
}

function codeOf(error: Error): LogErrorCode | undefined {
  const { type, code } = error as { type?: string; code?: string | number }
  return codes[type ?? ''] ?? codes[String(code)] ?? codes[error.name]
}

const codes: Readonly<Record<string, LogErrorCode>> = {
  ECONNREFUSED: 'unreachable',
  ECONNRESET: 'unreachable',
  ENOTFOUND: 'unreachable',
  KafkaJSConnectionError: 'unreachable',
  KafkaJSConnectionClosedError: 'unreachable',
  KafkaJSBrokerNotFound: 'unreachable',
  KafkaJSNoBrokerAvailableError: 'unreachable',
  KafkaJSMetadataNotLoaded: 'unreachable',
  KafkaJSTopicMetadataNotLoaded: 'unreachable',
  KafkaJSGroupCoordinatorNotFound: 'unreachable',

  KafkaJSRequestTimeoutError: 'timeout',
  KafkaJSLockTimeout: 'timeout',
  REQUEST_TIMED_OUT: 'timeout',
  CONCURRENT_TRANSACTIONS: 'timeout',

  NOT_LEADER_FOR_PARTITION: 'not_leader',
  LEADER_NOT_AVAILABLE: 'not_leader',
  REPLICA_NOT_AVAILABLE: 'not_leader',
  FENCED_LEADER_EPOCH: 'not_leader',
  UNKNOWN_LEADER_EPOCH: 'not_leader',
  NOT_ENOUGH_REPLICAS: 'not_leader',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'not_leader',
  NOT_CONTROLLER: 'not_leader',
  NOT_COORDINATOR_FOR_GROUP: 'not_leader',
  GROUP_COORDINATOR_NOT_AVAILABLE: 'not_leader',
  GROUP_LOAD_IN_PROGRESS: 'not_leader',

  REBALANCE_IN_PROGRESS: 'rebalancing',
  ILLEGAL_GENERATION: 'rebalancing',
  UNKNOWN_MEMBER_ID: 'rebalancing',

  OUT_OF_ORDER_SEQUENCE_NUMBER: 'producer_forgotten',
  UNKNOWN_PRODUCER_ID: 'producer_forgotten',

  OFFSET_OUT_OF_RANGE: 'out_of_range',
  KafkaJSOffsetOutOfRange: 'out_of_range',

  MESSAGE_TOO_LARGE: 'too_large',
  RECORD_LIST_TOO_LARGE: 'too_large',

  INVALID_PRODUCER_EPOCH: 'fenced',
  PRODUCER_FENCED: 'fenced',
  INVALID_PRODUCER_ID_MAPPING: 'fenced',

  KafkaJSSASLAuthenticationError: 'unauthorised',
  SASL_AUTHENTICATION_FAILED: 'unauthorised',
  TOPIC_AUTHORIZATION_FAILED: 'unauthorised',
  GROUP_AUTHORIZATION_FAILED: 'unauthorised',
  CLUSTER_AUTHORIZATION_FAILED: 'unauthorised',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'unauthorised',

  UNKNOWN_TOPIC_OR_PARTITION: 'unknown_topic',
  INVALID_TOPIC_EXCEPTION: 'unknown_topic',
}
