import { describe, inject } from 'vitest'
import { testLogContract } from '../testing/log-contract.ts'
import { createKafkaLog } from './kafka-log.ts'

const brokers = inject('kafkaBrokers')

describe.skipIf(brokers.length === 0)('the contract', () => {
  const logger = { debug: () => undefined, warn: () => undefined, error: console.error }
  testLogContract(() => createKafkaLog({ brokers, clientId: 'contract', logger }))
})
