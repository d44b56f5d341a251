/** The registry of a deployment as the command line sees it: every version with the partition that it lives on. */
import { DecodeError } from '@lapwing/contracts/codec'
import type { Model } from '@lapwing/contracts/records'
import { topicName } from '@lapwing/contracts/topics'
import { ModelRegistry } from '@lapwing/models/registry'
import type { Deployment } from '../topics/open-log.ts'
import { unlessAbsent } from '../topics/unless-absent.ts'
import { UserError } from '../user-error.ts'

/** By partition. Rejects with a UserError when the deployment has no models topic. */
export async function readRegistries({ log, prefix }: Deployment): Promise<ModelRegistry[]> {
  const topic = topicName(prefix, 'models')
  const partitions = await unlessAbsent(log.partitionCount(topic))
  if (!partitions)
    throw new UserError(`${topic} is not on these brokers: no service has started there, or kafka.topic_prefix is another.`)
  return Promise.all(Array.from({ length: partitions }, (_, partition) => readRegistry({ log, prefix }, partition)))
}

export async function readRegistry(
  { log, prefix }: Pick<Deployment, 'log' | 'prefix'>,
  partition: number,
): Promise<ModelRegistry> {
  const registry = new ModelRegistry()
  for (const record of await log.readToEnd(topicName(prefix, 'models'), partition)) {
    try {
      registry.take(record)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      process.stderr.write(`left out, damaged: offset ${record.offset} of partition ${partition}\n`)
    }
  }
  return registry
}

export interface FoundModel {
  readonly model: Model
  readonly partition: number
  readonly registry: ModelRegistry
}

/** By its whole id, or how its digits begin. Throws a UserError when there is none, or more than one. */
export function findModel(registries: readonly ModelRegistry[], id: string): FoundModel {
  const found = registries.flatMap((registry, partition) =>
    registry
      .all()
      .filter(({ modelId }) => modelId === id || modelId.split('/')[1]?.startsWith(id))
      .map((model) => ({ model, partition, registry })),
  )
  const [only, ...others] = found
  if (!only) throw new UserError(`There is no model ${id}: see lapwing models list.`)
  if (others.length === 0) return only
  throw new UserError(
    `${found.length} models have an id that begins with ${id}; name more digits:\n${found.map(({ model }) => `  ${model.modelId}`).join('\n')}`,
  )
}
