/** One Kafka for a whole vitest run; says what the integration tests run on, or why they are skipped. */
import type { TestProject } from 'vitest/node'
import { canStartKafka, chooseTestLog } from '../src/test-broker.ts'

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const { kind, brokers, why, stop } = await chooseTestLog(process.env)
  console.log(kind === 'kafka' ? `integration tests: ${why}` : `integration tests are SKIPPED: ${why}`)
  project.provide('kafkaBrokers', brokers)
  project.provide('canStartKafka', await canStartKafka(process.env))
  return stop
}
