/**
 * Creates the topics that are absent; compares the others and leaves them as they are.
 *
 * A broker before Kafka 2.4 does not know how to choose the replication factor itself; there it is 1, and that is said.
 */
import { setTimeout } from 'node:timers/promises'
import type { TopicSpec } from '@lapwing/contracts/topics'
import kafkajs, { type Admin, type ITopicConfig, type ITopicMetadata } from 'kafkajs'
import { LogError } from './errors.ts'
import { toLogError } from './kafka-errors.ts'

/** Sentences about differences. Rejects with `partition_mismatch` where a topic has another partition count. */
export async function ensureTopics(admin: Admin, specs: readonly TopicSpec[]): Promise<string[]> {
  try {
    await admin.connect()
    const existing = new Set(await admin.listTopics())
    const absent = specs.filter(({ topic }) => !existing.has(topic))
    const remarks = absent.length > 0 ? await create(admin, absent) : []
    await refuseOtherPartitionCounts(admin, specs)
    return [...remarks, ...(await differences(admin, specs))]
  } catch (error) {
    throw toLogError(error)
  }
}

/** Large enough for a remote-write request in one record; brokers count it per batch, consumers fetch at least one batch. */
const maxMessageBytes = 8 * 1024 * 1024
/** Only closed segments are compacted, and a restore reads what is not: smaller ones keep both short. */
const compactedSegmentBytes = 64 * 1024 * 1024

function settings({ cleanup, retentionMs }: TopicSpec): Record<string, string> {
  return {
    'cleanup.policy': cleanup,
    'max.message.bytes': String(maxMessageBytes),
    ...(retentionMs === undefined ? {} : { 'retention.ms': String(retentionMs) }),
    ...(cleanup === 'delete' ? {} : { 'segment.bytes': String(compactedSegmentBytes) }),
  }
}

async function create(admin: Admin, specs: readonly TopicSpec[]): Promise<string[]> {
  const topics = (replicationFactor: number) =>
    specs.map((spec): ITopicConfig => {
      const configEntries = Object.entries(settings(spec)).map(([name, value]) => ({ name, value }))
      return { topic: spec.topic, numPartitions: spec.partitions, replicationFactor, configEntries }
    })
  try {
    await admin.createTopics({ topics: topics(chosenByBroker), waitForLeaders: false })
    return []
  } catch (error) {
    if (!isRefusedFactor(error)) throw error
    await admin.createTopics({ topics: topics(1), waitForLeaders: false })
    return [`the broker does not choose a replication factor; ${specs.length} topics were created with 1`]
  }
}

const chosenByBroker = -1

function isRefusedFactor(error: unknown): boolean {
  const { errors = [] } = error as { errors?: { type?: string }[] }
  return errors.some(({ type }) => type === 'INVALID_REPLICATION_FACTOR')
}

async function refuseOtherPartitionCounts(admin: Admin, specs: readonly TopicSpec[]): Promise<void> {
  const topics = await metadataOf(
    admin,
    specs.map(({ topic }) => topic),
  )
  for (const { topic, partitions } of specs) {
    const actual = topics.find(({ name }) => name === topic)?.partitions.length
    if (actual !== partitions) throw new LogError('partition_mismatch', `${topic} has ${actual}, expected ${partitions}`)
  }
}

/** A topic just created is unknown to the brokers for a moment, which kafkajs takes for an answer. */
async function metadataOf(admin: Admin, topics: string[]): Promise<ITopicMetadata[]> {
  for (const endMs = performance.now() + unknownMs; ; await setTimeout(shortWaitMs)) {
    try {
      return (await admin.fetchTopicMetadata({ topics })).topics
    } catch (error) {
      if (toLogError(error).code !== 'unknown_topic' || performance.now() > endMs) throw error
    }
  }
}

const unknownMs = 10_000
const shortWaitMs = 50

async function differences(admin: Admin, specs: readonly TopicSpec[]): Promise<string[]> {
  const resources = specs.map(({ topic }) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }))
  const described = (await admin.describeConfigs({ resources, includeSynonyms: false })).resources
  return specs.flatMap((spec) => {
    const entries = described.find(({ resourceName }) => resourceName === spec.topic)?.configEntries ?? []
    const actual = new Map(entries.map(({ configName, configValue }) => [configName, configValue]))
    return Object.entries(settings(spec))
      .filter(([name, value]) => normal(actual.get(name)) !== normal(value))
      .map(([name, value]) => `topic ${spec.topic}: ${name} is ${actual.get(name)}, expected ${value}; left as it is`)
  })
}

/** `delete,compact` is `compact,delete`. */
function normal(value: string | undefined): string | undefined {
  return value?.split(',').sort().join(',')
}
