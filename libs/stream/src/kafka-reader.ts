/**
 * Reading Kafka without a group: offsets, a topic to its end, and all partitions as they grow.
 *
 * A group of its own for each such reader would cost a rebalance before the first record (three seconds on a broker as it
 * comes) and leave its remains behind after a crash. So records are fetched directly, through the cluster that kafkajs hands
 * to its assigners, part of its published types.
 *
 * Only committed records are seen. Where a transaction is open, or was committed a moment ago and its mark is not written yet,
 * reading to the end waits for it. Follower rounds wait for the slowest broker, as long as its fetch is parked.
 */
import { setTimeout } from 'node:timers/promises'
import type { Broker, Cluster, Kafka } from 'kafkajs'
import Batch, { type FetchedPartition } from 'kafkajs/src/consumer/batch.js'
import { LogError } from './errors.ts'
import { toLogError } from './kafka-errors.ts'
import { toLogRecord } from './kafka-records.ts'
import type { LogRecord } from './log.ts'

/** A place in a partition. */
export interface Position {
  readonly topic: string
  readonly partition: number
  /** Next offset to read. */
  offset: bigint
}

/** What one fetch brought for a position. */
export interface Fetched {
  readonly position: Position
  readonly records: LogRecord[]
  /** Offset to go on from. */
  readonly nextOffset: bigint
  /** Offset after the newest record, committed or not. */
  readonly endOffset: bigint
  /** Everything below is decided: committed or aborted. */
  readonly stableOffset: bigint
}

export class KafkaReader {
  readonly #cluster: Cluster
  /** Fixed for the life of a deployment. */
  readonly #partitionCounts = new Map<string, number>()
  readonly #fetchedFrom = new Set<ConnectedBroker>()
  #fetchesEnded = false

  constructor(kafka: Kafka) {
    this.#cluster = clusterOf(kafka)
  }

  async partitionCount(topic: string): Promise<number> {
    const known = this.#partitionCounts.get(topic)
    if (known !== undefined) return known
    await this.#learn(topic)
    const count = this.#cluster.findTopicPartitionMetadata(topic).length
    if (count === 0) throw new LogError('unknown_topic', topic)
    this.#partitionCounts.set(topic, count)
    return count
  }

  async offsets(topic: string): Promise<{ earliest: bigint; next: bigint }[]> {
    const partitions = Array.from({ length: await this.partitionCount(topic) }, (_, partition) => ({ partition }))
    await this.#learn(topic)
    const [earliest, next] = await Promise.all([
      this.#askOffsets(topic, partitions, true),
      this.#askOffsets(topic, partitions, false),
    ])
    return partitions.map(({ partition }) => ({ earliest: earliest.get(partition)!, next: next.get(partition)! }))
  }

  /** Waits until every partition of a topic has a leader that answers for it: a topic just created has none for a moment, and not every broker knows it. */
  async untilLed(topic: string): Promise<void> {
    for (const endMs = performance.now() + leaderlessMs; ; ) {
      try {
        await this.offsets(topic)
        return
      } catch (error) {
        const { retryable, code } = error as LogError
        if ((!retryable && code !== 'unknown_topic') || performance.now() > endMs) throw error
        await setTimeout(shortWaitMs)
        await this.refresh()
      }
    }
  }

  async readToEnd(topic: string, partition?: number): Promise<LogRecord[]> {
    const ends = await this.offsets(topic)
    if (partition !== undefined && !ends[partition]) {
      throw new LogError('partition_mismatch', `${topic} has ${ends.length} partitions, none is number ${partition}`)
    }
    const found: LogRecord[][] = ends.map(() => [])
    let pending = ends.flatMap(({ earliest, next }, each): Position[] =>
      earliest < next && (partition === undefined || partition === each) ? [{ topic, partition: each, offset: earliest }] : [],
    )
    let lastProgressMs = performance.now()
    while (pending.length > 0) {
      const fetched = await this.fetch(pending, shortWaitMs)
      // An answer that is full holds nothing of the partitions that it has no room for.
      const mayBeFull = fetched.some(({ position, nextOffset }) => nextOffset > position.offset)
      for (const { position, records, nextOffset, stableOffset } of fetched) {
        const end = ends[position.partition]!.next
        for (const record of records) if (record.offset < end) found[position.partition]!.push(record)
        if (nextOffset > position.offset) lastProgressMs = performance.now()
        // Compaction may have emptied the last batches before the end: then nothing comes and nothing is held back.
        const isEmptied = !mayBeFull && nextOffset === position.offset && stableOffset >= end
        position.offset = isEmptied ? end : nextOffset
      }
      pending = pending.filter((position) => position.offset < ends[position.partition]!.next)
      if (performance.now() - lastProgressMs > stalledMs) throw new LogError('timeout', `a transaction on ${topic} stays open`)
    }
    return found.flat()
  }

  async *readRange(topic: string, partition: number, from: bigint, to: bigint): AsyncGenerator<LogRecord[]> {
    const range = (await this.offsets(topic))[partition]
    if (!range) throw new LogError('partition_mismatch', `${topic} has no partition ${partition}`)
    const end = to < range.next ? to : range.next
    const position: Position = { topic, partition, offset: from > range.earliest ? from : range.earliest }
    let lastProgressMs = performance.now()
    while (position.offset < end) {
      for (const { records, nextOffset, stableOffset } of await this.fetch([position], shortWaitMs)) {
        if (nextOffset > position.offset) lastProgressMs = performance.now()
        const isEmptied = nextOffset === position.offset && stableOffset >= end
        position.offset = isEmptied ? end : nextOffset
        const wanted = records.filter(({ offset }) => offset >= from && offset < end)
        if (wanted.length > 0) yield wanted
      }
      if (performance.now() - lastProgressMs > stalledMs) throw new LogError('timeout', `a transaction on ${topic} stays open`)
    }
  }

  /**
   * The next records of each position, after at most `waitMs` if there are none. A position may be left out, when
   * the answer was full without it. Rejects when a partition has no leader.
   */
  async fetch(positions: readonly Position[], waitMs: number): Promise<Fetched[]> {
    try {
      await this.#cluster.refreshMetadataIfNecessary()
      const leaders = [...this.#byLeader(positions)]
      return (await Promise.all(leaders.map(([nodeId, led]) => this.#fetchFrom(nodeId, led, waitMs)))).flat()
    } catch (error) {
      throw this.#toLogError(error)
    }
  }

  /** Forgets who leads which partition; the next fetch asks anew. */
  async refresh(): Promise<void> {
    await this.#cluster.refreshMetadata().catch((error: unknown) => {
      throw this.#toLogError(error)
    })
  }

  /** Fetches that are parked at a broker reject, and so does every later one: kafkajs waits for their answers when it disconnects. */
  endFetches(): void {
    this.#fetchesEnded = true
    for (const { connectionPool } of this.#fetchedFrom) {
      for (const { requestQueue } of connectionPool.pool) requestQueue.rejectAll(new LogError('closed'))
    }
  }

  async close(): Promise<void> {
    await this.#cluster.disconnect()
  }

  async #learn(topic: string): Promise<void> {
    try {
      await this.#cluster.connect()
      await this.#cluster.addTargetTopic(topic)
      await this.#cluster.refreshMetadataIfNecessary()
    } catch (error) {
      throw this.#toLogError(error, topic)
    }
  }

  async #askOffsets(topic: string, partitions: { partition: number }[], fromBeginning: boolean): Promise<Map<number, bigint>> {
    try {
      const [answer] = await this.#cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning }])
      return new Map(answer!.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]))
    } catch (error) {
      throw this.#toLogError(error, topic)
    }
  }

  /**
   * A broker that has just started does not know its topics for a moment. A topic that was there has not gone because of that.
   *
   * @param topic the one that was asked for, if it was one
   */
  #toLogError(error: unknown, topic?: string): LogError {
    const found = toLogError(error)
    const wasThere = topic === undefined || this.#partitionCounts.has(topic)
    return found.code === 'unknown_topic' && wasThere ? new LogError('not_leader', found.message, error) : found
  }

  #byLeader(positions: readonly Position[]): Map<string, Position[]> {
    const byLeader = new Map<string, Position[]>()
    for (const position of positions) {
      const { topic, partition } = position
      const [nodeId] = Object.keys(this.#cluster.findLeaderForPartitions(topic, [partition]))
      if (nodeId === undefined) throw new LogError('not_leader', `${topic}/${partition} has no leader`)
      byLeader.set(nodeId, [...(byLeader.get(nodeId) ?? []), position])
    }
    return byLeader
  }

  async #fetchFrom(nodeId: string, positions: readonly Position[], waitMs: number): Promise<Fetched[]> {
    const broker = await this.#cluster.findBroker({ nodeId })
    if (this.#fetchesEnded) throw new LogError('closed')
    this.#fetchedFrom.add(broker as Broker & ConnectedBroker)
    const topics = positions.map(({ topic, partition, offset }) => ({
      topic,
      partitions: [{ partition, fetchOffset: String(offset), maxBytes: maxBytesPerPartition }],
    }))
    const { responses } = await broker.fetch({
      isolationLevel: readCommitted,
      maxWaitTime: waitMs,
      minBytes: 1,
      maxBytes,
      topics,
    })
    const answers = responses as { topicName: string; partitions: FetchedPartition[] }[]
    return answers.flatMap(({ topicName, partitions }) =>
      partitions.map((answer) => {
        const isAsked = ({ topic, partition }: Position) => topic === topicName && partition === answer.partition
        return toFetched(positions.find(isAsked)!, answer)
      }),
    )
  }
}

/** A broker as kafkajs has it, with what its types do not tell. */
interface ConnectedBroker {
  readonly connectionPool: { readonly pool: readonly { readonly requestQueue: { rejectAll(error: Error): void } }[] }
}

/** Short, because it is only waited for the mark of a transaction. */
const shortWaitMs = 50
/** Elections take a moment, not longer. */
const leaderlessMs = 10_000
/** Longer than a transaction of ours can stay open. */
const stalledMs = 30_000
const maxBytesPerPartition = 4 * 1024 * 1024
const maxBytes = 16 * 1024 * 1024
const readCommitted = 1

/** kafkajs gives out a consumer's cluster only to its assigners; this consumer is never run. */
function clusterOf(kafka: Kafka): Cluster {
  let found: Cluster | undefined
  kafka.consumer({
    groupId: 'never-joined',
    allowAutoTopicCreation: false,
    // Concerns the end offsets only: what was committed a moment ago must be waited for, not left out.
    readUncommitted: true,
    partitionAssigners: [
      ({ cluster }) => {
        found = cluster
        return { name: 'none', version: 0, protocol: () => ({ name: 'none', metadata: Buffer.alloc(0) }), assign: async () => [] }
      },
    ],
  })
  return found!
}

function toFetched(position: Position, answer: FetchedPartition): Fetched {
  const batch = new Batch(position.topic, String(position.offset), answer)
  const last = batch.rawMessages.at(-1)
  return {
    position,
    records: batch.messages.map((message) => toLogRecord(position.topic, position.partition, message)),
    nextOffset: last ? larger(position.offset, BigInt(last.offset)) + 1n : position.offset,
    endOffset: BigInt(answer.highWatermark),
    stableOffset: BigInt(answer.lastStableOffset),
  }
}

/** A batch that begins before the position may have lost its last records to compaction. */
function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
