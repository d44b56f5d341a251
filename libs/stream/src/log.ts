/**
 * The seam to the log: partitioned, append-only, replayable. Smaller on purpose than any Kafka client.
 *
 * Two adapters implement it, `kafka-log.ts` (the only importer of kafkajs) and `in-process-log.ts`, and one contract suite
 * holds both to the same behaviour. What an adapter promises stands at each member; what it does not promise is exactly-once:
 * a batch is handed over again after any failure, so whoever consumes must recognise what it has already done.
 */
import type { TopicSpec } from '@lapwing/contracts/topics'

export interface LogRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Milliseconds since the epoch, as the producer or the broker stamped it. */
  readonly timestampMs: number
  readonly key: Uint8Array | null
  /** null is a tombstone on a compacted topic. */
  readonly value: Uint8Array | null
  readonly headers: ReadonlyMap<string, Uint8Array>
}

export interface OutgoingRecord {
  readonly topic: string
  /** Always explicit: the sender knows the partition of an entity, and the client's hash must not decide. */
  readonly partition: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: ReadonlyMap<string, string | Uint8Array>
}

/** Records of one partition, offsets rising. */
export interface RecordBatch {
  readonly topic: string
  readonly partition: number
  readonly records: readonly LogRecord[]
  /** Offset after the newest record of the partition when this batch was fetched: the lag is this minus the last offset. */
  readonly endOffset: bigint
}

export interface BatchContext {
  /** False once the partition has been taken away: check before every effect, and stop. */
  alive(): boolean
  /** Keeps the session during long work; call between slices of at most a few seconds. */
  heartbeat(): Promise<void>
}

export interface ConsumeOptions {
  readonly group: string
  readonly topics: readonly string[]
  /** Where a group without a position begins. */
  readonly from: 'earliest' | 'latest'
  /**
   * One call per batch, never two at a time for one partition. When it resolves, the position moves past the batch; when it
   * rejects, the same records come again. A retryable error (`errors.ts`) is retried with backoff, any other ends the consumer.
   */
  onBatch(batch: RecordBatch, context: BatchContext): Promise<void>
  /** The partitions owned after each assignment, before the first batch that follows from it. */
  onAssignment?(partitions: ReadonlyMap<string, readonly number[]>): void
  /** The consumer is dead and will not come back: the process must end. */
  onFatal(error: Error): void
}

export interface FollowOptions {
  readonly topics: readonly string[]
  readonly from: 'earliest' | 'latest'
  /** As in ConsumeOptions; there is no position, so a restart begins at `from` again. */
  onBatch(batch: RecordBatch, context: BatchContext): Promise<void>
  onFatal(error: Error): void
}

export interface Consumption {
  /** Last sign of life: a fetch or heartbeat that succeeded, milliseconds of the monotonic clock; before the first, when it began. */
  lastActivityMs(): number
  /**
   * Finishes the batch in hand, then leaves the group.
   *
   * @param beforeLeaving what a member of a group still has to do with its partitions, after the last batch and while nobody else has them
   */
  stop(beforeLeaving?: () => Promise<void>): Promise<void>
}

export interface Producer {
  /** Resolves when all in-sync replicas have them. Rejects with a LogError; records may then be on the log or not. */
  send(records: readonly OutgoingRecord[]): Promise<void>
  close(): Promise<void>
}

export interface FencedProducer extends Producer {
  /** All of these records become visible, or none. Rejects with code `fenced` when a newer owner took the id. */
  commit(records: readonly OutgoingRecord[]): Promise<void>
}

export interface Log {
  readonly kind: 'kafka' | 'in-process'
  /**
   * Creates the topics that are absent and compares the others: a different partition count rejects with `partition_mismatch`,
   * because entities would land elsewhere; other differences are returned as sentences for the logger, never altered.
   */
  ensureTopics(specs: readonly TopicSpec[]): Promise<string[]>
  /** Partitions of a topic. Rejects with `unknown_topic`. */
  partitionCount(topic: string): Promise<number>
  producer(): Promise<Producer>
  /** A producer that owns `fenceId`: when this resolves, every older owner of the id is refused by the log. */
  fencedProducer(fenceId: string): Promise<FencedProducer>
  /** Shares the partitions of the topics with the other members of the group; partition p of every topic goes to the same member. */
  consume(options: ConsumeOptions): Promise<Consumption>
  /** Reads all partitions of the topics, beside and without regard to any group. */
  follow(options: FollowOptions): Promise<Consumption>
  /** Every committed record that the topic (or one partition of it) holds at the time of the call, in order per partition. */
  readToEnd(topic: string, partition?: number): Promise<LogRecord[]>
  /** The committed records of a partition with `from <= offset < to` that are still held, in portions, in order. */
  readRange(topic: string, partition: number, from: bigint, to: bigint): AsyncIterable<readonly LogRecord[]>
  /** Earliest and next offset of each partition. */
  offsets(topic: string): Promise<readonly { earliest: bigint; next: bigint }[]>
  close(): Promise<void>
}
