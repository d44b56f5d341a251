import { existsSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

const kafkaForTests = 'deploy/kafka/testing/global-setup.ts'
const everywhere = ['libs/**', 'services/**', 'cli/**', 'deploy/**', 'scripts/**', 'quality/**']

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: everywhere.map((folder) => `${folder}/*.test.ts`),
          exclude: ['**/*.integration.test.ts', '**/node_modules/**'],
          // A property over a thousand cases takes seconds where other things run beside it.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: everywhere.map((folder) => `${folder}/*.integration.test.ts`),
          exclude: ['**/node_modules/**'],
          globalSetup: existsSync(kafkaForTests) ? [kafkaForTests] : [],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'deploy',
          include: ['test/deploy/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // The long rows of the alerter wait for many minutes; what is short is quicker without a neighbour.
          fileParallelism: process.env.LAPWING_FAULTS === 'long',
          maxWorkers: 2,
          // Most of a row is waiting: for a session to end, a group to gather, a broker to come back.
          maxConcurrency: 8,
        },
      },
    ],
  },
})
