/** `lapwing topics create`: what every service does at its start, as a step of its own, such as a job before an installation. */
import { topicSpecs } from '@lapwing/contracts/topics'
import { LogError } from '@lapwing/stream/errors'
import { prepareTopics } from '@lapwing/stream/prepare-topics'
import { UserError } from '../user-error.ts'
import { listTopics } from './list-topics.ts'
import type { ConfiguredDeployment } from './open-log.ts'

export interface CreateTopicsOptions {
  /** How long brokers may be away before that is a failure. */
  readonly waitMs: number
}

/** Creates what is absent, changes nothing, lists all. Rejects with a UserError where a topic has another number of partitions. */
export async function createTopics(deployment: ConfiguredDeployment, { waitMs }: CreateTopicsOptions): Promise<void> {
  const { log, prefix, partitions, warn } = deployment
  try {
    const differences = await prepareTopics(log, topicSpecs(prefix, partitions), {
      onRetry: (error, delayMs) => warn(`${error.message}; trying again in ${delayMs} ms`),
      signal: AbortSignal.timeout(waitMs),
    })
    for (const difference of differences) warn(difference)
  } catch (error) {
    if (error instanceof LogError && error.code === 'partition_mismatch') {
      throw new UserError(
        `${error.message}. Set kafka.partitions to what is there: the number is fixed for the life of a deployment.`,
      )
    }
    throw error
  }
  await listTopics(deployment, { json: false })
}
