import { describe, expect, test } from 'vitest'
import { LogError } from './errors.ts'
import { toLogError } from './kafka-errors.ts'

/** An error as kafkajs makes them. */
function kafkaError(name: string, fields: object = {}): Error {
  return Object.assign(new Error(`about ${name}`), { name, ...fields })
}

describe("kafkajs' errors", () => {
  test.each([
    [kafkaError('KafkaJSConnectionError', { code: 'ECONNREFUSED' }), 'unreachable', true],
    [kafkaError('KafkaJSRequestTimeoutError'), 'timeout', true],
    [kafkaError('KafkaJSProtocolError', { type: 'NOT_LEADER_FOR_PARTITION', code: 6 }), 'not_leader', true],
    [kafkaError('KafkaJSProtocolError', { type: 'MESSAGE_TOO_LARGE', code: 10 }), 'too_large', false],
    [kafkaError('KafkaJSProtocolError', { type: 'INVALID_PRODUCER_EPOCH', code: 47 }), 'fenced', false],
    [kafkaError('KafkaJSProtocolError', { type: 'TOPIC_AUTHORIZATION_FAILED', code: 29 }), 'unauthorised', false],
    [kafkaError('KafkaJSProtocolError', { type: 'UNKNOWN_TOPIC_OR_PARTITION', code: 3 }), 'unknown_topic', false],
  ])('%s', (error, code, retryable) => {
    expect(toLogError(error)).toMatchObject({ code, retryable, cause: error })
  })

  test('tell what happened even when retries ran out over it', () => {
    const inner = kafkaError('KafkaJSConnectionError', { code: 'ECONNREFUSED' })
    const outer = kafkaError('KafkaJSNumberOfRetriesExceeded', { retriable: false, cause: inner })
    expect(toLogError(outer)).toMatchObject({ code: 'unreachable', retryable: true })
  })

  test('of several topics are told by the first', () => {
    const first = kafkaError('KafkaJSCreateTopicError', { type: 'TOPIC_AUTHORIZATION_FAILED' })
    expect(toLogError(kafkaError('KafkaJSAggregateError', { errors: [first] })).code).toBe('unauthorised')
  })

  test('that are not known can be retried only if kafkajs says so', () => {
    expect(toLogError(kafkaError('KafkaJSError', { retriable: true }))).toMatchObject({ code: 'timeout', retryable: true })
    expect(toLogError(new TypeError('a bug'))).toMatchObject({ code: 'unexpected', retryable: false })
    expect(toLogError('text')).toMatchObject({ code: 'unexpected' })
  })

  test('pass when they are told already', () => {
    const told = new LogError('fenced', 'x')
    expect(toLogError(told)).toBe(told)
  })
})
