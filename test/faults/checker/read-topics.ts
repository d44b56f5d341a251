/** The topics of a run as they stand on the brokers. */
import { topicName } from '@lapwing/contracts/topics'
import type { Log, LogRecord } from '@lapwing/stream/log'
import type { Admin } from 'kafkajs'
import type { RunRecords } from './outcome.ts'

export interface RunTopics extends RunRecords {
  readonly state: readonly LogRecord[]
  /** Next offset of each partition of the samples topic. */
  readonly nextOffsets: readonly bigint[]
}

export async function readTopics(log: Log, prefix: string): Promise<RunTopics> {
  const read = (name: Parameters<typeof topicName>[1]) => log.readToEnd(topicName(prefix, name))
  const offsets = await log.offsets(topicName(prefix, 'samples'))
  return {
    samples: await read('samples'),
    scores: await read('scores'),
    anomalies: await read('anomalies'),
    deadLetters: await read('dead-letters'),
    state: await read('detector-state'),
    nextOffsets: offsets.map(({ next }) => next),
  }
}

/** Records of the samples topic that are behind the position of the detector's group. */
export function detectorLag(log: Log, admin: Admin, prefix: string): Promise<bigint> {
  return groupLag(log, admin, `${prefix}-detector`, topicName(prefix, 'samples'))
}

/** Records of a topic that are behind the position of a group. */
export async function groupLag(log: Log, admin: Admin, groupId: string, topic: string): Promise<bigint> {
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
  const positions = new Map(found!.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]))
  return (await log.offsets(topic)).reduce((sum, { earliest, next }, partition) => {
    const position = positions.get(partition) ?? -1n
    return sum + next - (position < earliest ? earliest : position)
  }, 0n)
}

/** Topics whose records hold this text in key, value or a header. */
export async function topicsWithText(log: Log, topics: readonly string[], text: string): Promise<string[]> {
  const found: string[] = []
  for (const topic of topics) {
    const records = await log.readToEnd(topic)
    const holds = (bytes: Uint8Array | null) => bytes !== null && Buffer.from(bytes).includes(text)
    if (records.some(({ key, value, headers }) => [key, value, ...headers.values()].some(holds))) found.push(topic)
  }
  return found
}
