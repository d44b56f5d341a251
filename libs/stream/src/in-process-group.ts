/**
 * A consumer group of the in-process log: members, the partitions they own, positions, and one loop per partition number.
 *
 * A loop hands the next batch of its partition, of each topic in turn, to the member that owns it at that moment, and moves the
 * position when the member is done and still the owner. There is one loop per partition number, not per member, so a partition
 * is never handled twice at a time, not even while it changes hands.
 *
 * Unlike Kafka's classic protocol a rebalance interrupts only the partitions that move.
 */
import { LogError } from './errors.ts'
import type { InProcessPartition } from './in-process-partition.ts'
import type { ConsumeOptions, Consumption, RecordBatch } from './log.ts'
import { assignPartitions } from './partition-assignment.ts'
import { retryDelayMs } from './retry-delay.ts'
import type { Timing } from './timing.ts'

export type Reader = Pick<ConsumeOptions, 'topics' | 'from' | 'onBatch' | 'onAssignment' | 'onFatal'>

export interface GroupSurroundings {
  readonly timing: Timing
  partitionsOf(topic: string): readonly InProcessPartition[]
}

interface Member {
  readonly id: string
  readonly reader: Reader
  /** What it is doing, by partition number. */
  readonly deliveries: Map<number, Delivery>
  /** Takes no further batch; it leaves once the batches in hand are done. */
  isStopping: boolean
}

interface Delivery {
  readonly done: Promise<boolean>
  lastActivityMs: number
}

/** Small enough that a long backlog lets the other work of the event loop go on between two batches. */
const batchRecords = 500
const batchBytes = 4 * 1024 * 1024

export class InProcessGroup {
  readonly #surroundings: GroupSurroundings
  /** Next offset to read, by topic and partition. Outlives the members. */
  readonly #positions = new Map<string, bigint[]>()
  readonly #members = new Map<string, Member>()
  readonly #loops = new Set<number>()
  /** Batches handed over so far, by partition number: whose turn it is among the topics. */
  readonly #turns: number[] = []
  #owners: Member[] = []
  #joined = 0

  constructor(surroundings: GroupSurroundings) {
    this.#surroundings = surroundings
  }

  join(reader: Reader): Consumption {
    for (const topic of reader.topics) {
      if (this.#positions.has(topic)) continue
      const partitions = this.#surroundings.partitionsOf(topic)
      this.#positions.set(
        topic,
        partitions.map((partition) => (reader.from === 'earliest' ? partition.earliest : partition.next)),
      )
    }
    const member: Member = { id: String(this.#joined++).padStart(8, '0'), reader, deliveries: new Map(), isStopping: false }
    this.#members.set(member.id, member)
    this.#rebalance()
    return { lastActivityMs: () => this.#lastActivityMs(member), stop: (beforeLeaving) => this.#stop(member, beforeLeaving) }
  }

  /** Lowest offset of a partition that a member still has to read; undefined when no member reads the topic. */
  unreadFrom(topic: string, partition: number): bigint | undefined {
    const isRead = [...this.#members.values()].some((member) => member.reader.topics.includes(topic))
    return isRead ? this.#positions.get(topic)?.[partition] : undefined
  }

  /** Goes on with a partition number after an append. */
  wake(partition: number): void {
    if (this.#loops.has(partition)) return
    this.#loops.add(partition)
    void this.#run(partition)
  }

  /** A member without work is alive by construction: it has nothing to lose touch with. */
  #lastActivityMs(member: Member): number {
    const active = [...member.deliveries.values()].map((delivery) => delivery.lastActivityMs)
    return active.length > 0 ? Math.min(...active) : this.#surroundings.timing.monotonicMs()
  }

  async #stop(member: Member, beforeLeaving = async () => {}): Promise<void> {
    member.isStopping = true
    await Promise.all([...member.deliveries.values()].map((delivery) => delivery.done))
    try {
      await beforeLeaving()
    } finally {
      this.#leave(member)
    }
  }

  #leave(member: Member): void {
    if (this.#members.delete(member.id)) this.#rebalance()
  }

  #rebalance(): void {
    const members = [...this.#members.values()]
    const partitions = Math.max(...[...this.#positions.values()].map((positions) => positions.length))
    const claimsOf = (member: Member) => [...this.#owners.keys()].filter((partition) => this.#owners[partition] === member)
    const owned = assignPartitions(
      members.map((member) => ({ id: member.id, claims: claimsOf(member) })),
      members.length > 0 ? partitions : 0,
    )
    this.#owners = []
    for (const member of members) for (const partition of owned.get(member.id)!) this.#owners[partition] = member
    for (const { id, reader } of members) {
      const ownedOf = (topic: string) =>
        owned.get(id)!.filter((partition) => partition < this.#surroundings.partitionsOf(topic).length)
      reader.onAssignment?.(new Map(reader.topics.map((topic) => [topic, ownedOf(topic)])))
    }
    for (const partition of this.#owners.keys()) this.wake(partition)
  }

  /** Hands over batches until there is none, or nobody to take them. */
  async #run(partition: number): Promise<void> {
    const { timing } = this.#surroundings
    let failures = 0
    await timing.sleep(0)
    for (let next = this.#nextBatch(partition); next; next = this.#nextBatch(partition)) {
      const { member, batch } = next
      const delivery = { done: this.#deliver(member, batch), lastActivityMs: timing.monotonicMs() }
      member.deliveries.set(partition, delivery)
      failures = (await delivery.done) ? 0 : failures + 1
      await timing.sleep(failures > 0 ? retryDelayMs(failures) : 0)
    }
    this.#loops.delete(partition)
  }

  #nextBatch(partition: number): { member: Member; batch: RecordBatch } | undefined {
    const member = this.#owners[partition]
    if (!member || member.isStopping) return undefined
    const { topics } = member.reader
    const turn = this.#turns[partition] ?? 0
    for (let i = 0; i < topics.length; i++) {
      const topic = topics[(turn + i) % topics.length]!
      const source = this.#surroundings.partitionsOf(topic)[partition]
      if (!source) continue
      const records = source.read(this.#positions.get(topic)![partition]!, batchRecords, batchBytes)
      if (records.length > 0) return { member, batch: { topic, partition, records, endOffset: source.next } }
    }
    return undefined
  }

  /** False when the same records are to come again after a pause. */
  async #deliver(member: Member, batch: RecordBatch): Promise<boolean> {
    const { topic, partition } = batch
    const alive = () => this.#owners[partition] === member
    try {
      await member.reader.onBatch(batch, { alive, heartbeat: () => this.#heartbeat(member, partition) })
      if (alive()) this.#positions.get(topic)![partition] = batch.records.at(-1)!.offset + 1n
      this.#turns[partition] = (this.#turns[partition] ?? 0) + 1
      return true
    } catch (error) {
      if (error instanceof LogError && error.retryable) return false
      this.#leave(member)
      member.reader.onFatal(error instanceof Error ? error : new LogError('unexpected', String(error)))
      return true
    } finally {
      member.deliveries.delete(partition)
    }
  }

  async #heartbeat(member: Member, partition: number): Promise<void> {
    const { timing } = this.#surroundings
    const delivery = member.deliveries.get(partition)
    if (delivery) delivery.lastActivityMs = timing.monotonicMs()
    await timing.sleep(0)
  }
}
