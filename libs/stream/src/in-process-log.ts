/**
 * The log in memory: for one process on a machine with neither Kafka, Java nor Docker, and for simulation.
 *
 * Partitions, offsets, groups, compaction, transactions and fencing behave as on Kafka, as far as `log.ts` promises anything;
 * one contract suite runs against both. Given a `Timing` of its own it is deterministic: nothing else makes it wait.
 *
 * Limits. Nothing survives the process. A topic that deletes keeps its newest `retainedBytesPerTopic`, or what is younger than its
 * `retentionMs` if that is less, plus what a reader has not read yet, up to four times that size. A send beyond it waits for the
 * readers, and is refused with `timeout` when they do not move. A topic that only compacts grows with its live keys.
 */
import type { TopicSpec } from '@lapwing/contracts/topics'
import { LogError } from './errors.ts'
import { InProcessGroup, type Reader } from './in-process-group.ts'
import { InProcessPartition } from './in-process-partition.ts'
import type {
  ConsumeOptions,
  Consumption,
  FencedProducer,
  FollowOptions,
  Log,
  LogRecord,
  OutgoingRecord,
  Producer,
} from './log.ts'
import { systemTiming, type Timing } from './timing.ts'

export interface InProcessLogOptions {
  readonly timing?: Timing
  /** Shared evenly by the partitions of a topic. */
  readonly retainedBytesPerTopic?: number
}

export function createInProcessLog({
  timing = systemTiming,
  retainedBytesPerTopic = 64 * 1024 * 1024,
}: InProcessLogOptions = {}): Log {
  return new InProcessLog(timing, retainedBytesPerTopic)
}

/** How far beyond its retention a partition may grow while a reader is behind. */
const unreadFactor = 4
/** How long a send waits for such readers, and how often it looks. */
const roomWaitMs = 10_000
const roomPollMs = 20
/** A portion of a range. */
const rangeRecords = 1000
const rangeBytes = 4 * 1024 * 1024

interface Topic {
  readonly spec: TopicSpec
  readonly retainedBytes: number
  readonly partitions: readonly InProcessPartition[]
}

class InProcessLog implements Log {
  readonly kind = 'in-process'
  readonly #timing: Timing
  readonly #retainedBytesPerTopic: number
  readonly #topics = new Map<string, Topic>()
  readonly #groups = new Map<string, InProcessGroup>()
  /** The followers, each a group of its own. */
  readonly #followers = new Set<InProcessGroup>()
  readonly #consumptions = new Set<Consumption>()
  /** The producer that owns each fence id. */
  readonly #owners = new Map<string, Producer>()
  #isClosed = false

  constructor(timing: Timing, retainedBytesPerTopic: number) {
    this.#timing = timing
    this.#retainedBytesPerTopic = retainedBytesPerTopic
  }

  async ensureTopics(specs: readonly TopicSpec[]): Promise<string[]> {
    this.#refuseWhenClosed()
    for (const spec of specs) {
      const existing = this.#topics.get(spec.topic)
      if (!existing) this.#topics.set(spec.topic, this.#createTopic(spec))
      else if (existing.partitions.length !== spec.partitions) {
        throw new LogError('partition_mismatch', `${spec.topic} has ${existing.partitions.length}, expected ${spec.partitions}`)
      }
    }
    return specs.flatMap((spec) => differences(this.#topic(spec.topic).spec, spec))
  }

  async partitionCount(topic: string): Promise<number> {
    return this.#topic(topic).partitions.length
  }

  async producer(): Promise<Producer> {
    return this.#createProducer(() => undefined)
  }

  async fencedProducer(fenceId: string): Promise<FencedProducer> {
    const producer = this.#createProducer(() => {
      if (this.#owners.get(fenceId) !== producer) throw new LogError('fenced', fenceId)
    })
    this.#owners.set(fenceId, producer)
    return { ...producer, commit: producer.send }
  }

  async consume({ group, ...reader }: ConsumeOptions): Promise<Consumption> {
    let joined = this.#groups.get(group)
    if (!joined) {
      joined = this.#createGroup()
      this.#groups.set(group, joined)
    }
    return this.#join(joined, reader)
  }

  async follow(options: FollowOptions): Promise<Consumption> {
    const group = this.#createGroup()
    const consumption = this.#join(group, options)
    this.#followers.add(group)
    const stop = async () => {
      await consumption.stop()
      this.#followers.delete(group)
    }
    return { lastActivityMs: consumption.lastActivityMs, stop }
  }

  async readToEnd(topic: string, partition?: number): Promise<LogRecord[]> {
    const { partitions } = this.#topic(topic)
    if (partition === undefined) return partitions.flatMap((each) => each.all())
    return this.#partition(topic, partition).all()
  }

  async *readRange(topic: string, partition: number, from: bigint, to: bigint): AsyncGenerator<LogRecord[]> {
    for (let offset = from; offset < to; ) {
      const records = this.#partition(topic, partition).read(offset, rangeRecords, rangeBytes)
      const wanted = records.filter((record) => record.offset < to)
      if (wanted.length === 0) return
      offset = wanted.at(-1)!.offset + 1n
      yield wanted
    }
  }

  async offsets(topic: string): Promise<{ earliest: bigint; next: bigint }[]> {
    return this.#topic(topic).partitions.map(({ earliest, next }) => ({ earliest, next }))
  }

  async close(): Promise<void> {
    // A batch in hand may still send.
    await Promise.all([...this.#consumptions].map((consumption) => consumption.stop()))
    this.#isClosed = true
  }

  #createTopic(spec: TopicSpec): Topic {
    const retainedBytes = this.#retainedBytesPerTopic / spec.partitions
    const partitions = Array.from({ length: spec.partitions }, () => new InProcessPartition({ ...spec, retainedBytes }))
    return { spec, retainedBytes, partitions }
  }

  #createGroup(): InProcessGroup {
    return new InProcessGroup({ timing: this.#timing, partitionsOf: (topic) => this.#topics.get(topic)?.partitions ?? [] })
  }

  #join(group: InProcessGroup, reader: Reader): Consumption {
    for (const topic of reader.topics) this.#topic(topic)
    const joined = group.join(reader)
    const stop = async (beforeLeaving?: () => Promise<void>) => {
      await joined.stop(beforeLeaving)
      this.#consumptions.delete(consumption)
    }
    const consumption = { lastActivityMs: joined.lastActivityMs, stop }
    this.#consumptions.add(consumption)
    return consumption
  }

  #createProducer(refuseWhenFenced: () => void): Producer {
    let isClosed = false
    const send = async (records: readonly OutgoingRecord[]) => {
      if (isClosed) throw new LogError('closed')
      refuseWhenFenced()
      for (const record of records) this.#refuseUnlessValid(record)
      await this.#waitForRoom(records)
      refuseWhenFenced()
      this.#append(records)
    }
    const close = async () => {
      isClosed = true
    }
    return { send, close }
  }

  #refuseUnlessValid({ topic, partition, key }: OutgoingRecord): void {
    this.#partition(topic, partition)
    const { cleanup } = this.#topic(topic).spec
    if (cleanup !== 'delete' && key === null) throw new LogError('unexpected', `${topic} is compacted, a record needs a key`)
  }

  async #waitForRoom(records: readonly OutgoingRecord[]): Promise<void> {
    const full = () => records.find(({ topic, partition }) => this.#isFull(topic, partition))
    for (let waitedMs = 0; full(); waitedMs += roomPollMs) {
      if (waitedMs >= roomWaitMs) throw new LogError('timeout', `the readers of ${full()!.topic} do not keep up`)
      await this.#timing.sleep(roomPollMs)
    }
  }

  #isFull(topic: string, partition: number): boolean {
    const { spec, retainedBytes, partitions } = this.#topic(topic)
    const found = partitions[partition]!
    if (spec.cleanup === 'compact' || found.bytes <= retainedBytes * unreadFactor) return false
    this.#clean(topic, partition)
    return found.bytes > retainedBytes * unreadFactor
  }

  #append(records: readonly OutgoingRecord[]): void {
    const timestampMs = this.#timing.epochMs()
    for (const { topic, partition, key, value, headers = new Map() } of records) {
      this.#partition(topic, partition).append({
        topic,
        partition,
        timestampMs,
        key: key && copyOf(key),
        value: value && copyOf(value),
        headers: new Map([...headers].map(([name, content]) => [name, copyOf(content)])),
      })
    }
    for (const { topic, partition } of records) {
      this.#clean(topic, partition)
      for (const group of this.#allGroups()) group.wake(partition)
    }
  }

  #clean(topic: string, partition: number): void {
    const found = this.#partition(topic, partition)
    let unreadFrom = found.next
    for (const group of this.#allGroups()) {
      const position = group.unreadFrom(topic, partition)
      if (position !== undefined && position < unreadFrom) unreadFrom = position
    }
    found.clean(this.#timing.epochMs(), unreadFrom)
  }

  #allGroups(): InProcessGroup[] {
    return [...this.#groups.values(), ...this.#followers]
  }

  #topic(topic: string): Topic {
    this.#refuseWhenClosed()
    const found = this.#topics.get(topic)
    if (!found) throw new LogError('unknown_topic', topic)
    return found
  }

  #partition(topic: string, partition: number): InProcessPartition {
    const { partitions } = this.#topic(topic)
    const found = partitions[partition]
    if (!found)
      throw new LogError('partition_mismatch', `${topic} has ${partitions.length} partitions, none is number ${partition}`)
    return found
  }

  #refuseWhenClosed(): void {
    if (this.#isClosed) throw new LogError('closed')
  }
}

function copyOf(content: string | Uint8Array): Buffer {
  return typeof content === 'string' ? Buffer.from(content) : Buffer.from(content)
}

function differences(existing: TopicSpec, wanted: TopicSpec): string[] {
  const keys = ['cleanup', 'retentionMs'] as const
  return keys
    .filter((key) => existing[key] !== wanted[key])
    .map((key) => `topic ${wanted.topic}: ${key} is ${existing[key]}, expected ${wanted[key]}; left as it is`)
}
