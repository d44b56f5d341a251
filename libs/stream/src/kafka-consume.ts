/**
 * A member of a consumer group on kafkajs.
 *
 * What kafkajs leaves to its user is done here. Ownership is a token per assignment, looked at before each effect, because kafkajs
 * lets a handler run on after its partition is gone. Batches of one partition number, whatever their topic, go one at a time.
 * The position is committed after the handler, never by kafkajs itself. A batch that is refused for a reason that passes is
 * simply not resolved and so fetched again. A crash that kafkajs does not recover from, and a consumer that hears nothing while
 * the log answers others, are fatal: a process that looks alive and consumes nothing is the worst there is.
 *
 * kafkajs has one fetch at a time per broker and its next one waits for all batches of this one; a slow partition slows the rest.
 */
import { setTimeout } from 'node:timers/promises'
import type { Consumer, ConsumerGroupJoinEvent, EachBatchPayload, Kafka } from 'kafkajs'
import { coPartitionedAssigner } from './co-partitioned-assigner.ts'
import { LogError } from './errors.ts'
import type { KafkaLogger } from './kafka-client.ts'
import { toLogError } from './kafka-errors.ts'
import { toLogRecord } from './kafka-records.ts'
import type { BatchContext, ConsumeOptions, Consumption } from './log.ts'
import { retryDelayMs } from './retry-delay.ts'

/** @param probe resolves when the log answers */
export async function joinGroup(
  kafka: Kafka,
  options: ConsumeOptions,
  logger: KafkaLogger,
  probe: () => Promise<unknown>,
): Promise<Consumption> {
  const member = new GroupMember(kafka, options, logger)
  try {
    await member.start()
  } catch (error) {
    await member.stop()
    throw toLogError(error)
  }
  const watchdog = setInterval(() => void member.checkLife(probe), watchIntervalMs)
  watchdog.unref()
  const stop = async () => {
    clearInterval(watchdog)
    await member.stop()
  }
  return { lastActivityMs: () => member.lastActivityMs, stop }
}

const sessionTimeoutMs = 30_000
/** Bounds how long a group waits for a member that is gone; a handler looks up more often than that, with `heartbeat`. */
const rebalanceTimeoutMs = 15_000
const heartbeatIntervalMs = 1000
/** A fetch returns as soon as there is anything; this is how long an idle one is parked at the broker. */
const maxWaitMs = 500
const maxBytesPerPartition = 4 * 1024 * 1024
const maxBytes = 16 * 1024 * 1024
/** Lets the acknowledgements of some partitions be waited for together; the work itself has one core anyway. */
const partitionsAtATime = 4
/** Long enough for a batch in hand; without a broker there is nobody to take leave of. */
const leaveTimeoutMs = 8000
const silenceMs = 2 * sessionTimeoutMs
const watchIntervalMs = 10_000

/** Stands for one assignment: whoever holds an older one has lost its partitions. */
type Assignment = ReadonlyMap<string, readonly number[]>

class GroupMember {
  lastActivityMs: number | undefined
  readonly #options: ConsumeOptions
  readonly #logger: KafkaLogger
  readonly #consumer: Consumer
  readonly #ended = new AbortController()
  readonly #turns = new Map<number, Promise<unknown>>()
  readonly #failures = new Map<string, number>()
  readonly #startedMs = performance.now()
  #assignment: Assignment = new Map()
  #memberId: string | undefined
  #lastHeartbeatMs = Number.NEGATIVE_INFINITY
  #isPaused = false

  constructor(kafka: Kafka, options: ConsumeOptions, logger: KafkaLogger) {
    this.#options = options
    this.#logger = logger
    this.#consumer = kafka.consumer({
      groupId: options.group,
      partitionAssigners: [coPartitionedAssigner(() => this.#claims())],
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      heartbeatInterval: heartbeatIntervalMs,
      maxWaitTimeInMs: maxWaitMs,
      minBytes: 1,
      maxBytesPerPartition,
      maxBytes,
      allowAutoTopicCreation: false,
      retry: { restartOnFailure: async () => !this.#ended.signal.aborted },
    })
  }

  async start(): Promise<void> {
    const { GROUP_JOIN, HEARTBEAT, FETCH, CRASH } = this.#consumer.events
    this.#consumer.on(GROUP_JOIN, ({ payload }) => this.#onJoin(payload))
    this.#consumer.on(HEARTBEAT, () => this.#onHeartbeat())
    this.#consumer.on(FETCH, () => this.#onActivity())
    this.#consumer.on(CRASH, ({ payload }) => this.#onCrash(payload.error, payload.restart))
    await this.#consumer.connect()
    await this.#consumer.subscribe({ topics: [...this.#options.topics], fromBeginning: this.#options.from === 'earliest' })
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: partitionsAtATime,
      eachBatch: (payload) => this.#inTurn(payload.batch.partition, () => this.#handle(payload)),
    })
  }

  async stop(): Promise<void> {
    this.#ended.abort()
    const late = setTimeout(leaveTimeoutMs, 'late', { ref: false })
    if ((await Promise.race([this.#consumer.disconnect(), late])) !== 'late') return
    this.#logger.warn({ group: this.#options.group }, 'the group was not left in order; its session ends by itself')
  }

  /** Fatal when nothing was heard for long while the log answers: kafkajs is stuck. Without an answer it is an outage. */
  async checkLife(probe: () => Promise<unknown>): Promise<void> {
    const silentForMs = performance.now() - (this.lastActivityMs ?? this.#startedMs)
    if (silentForMs < watchIntervalMs || this.#turns.size > 0 || this.#ended.signal.aborted) return
    this.#onPause('nothing was heard from the log')
    if (silentForMs < silenceMs) return
    const answers = await probe().then(
      () => true,
      () => false,
    )
    if (answers)
      this.#end(new LogError('timeout', `group ${this.#options.group} heard nothing for ${Math.round(silentForMs / 1000)} s`))
  }

  /** What it may still say it owns when it joins again: nothing once its session may have ended and others may have taken over. */
  #claims(): number[] {
    if (performance.now() - this.#lastHeartbeatMs > sessionTimeoutMs) return []
    return [...new Set([...this.#assignment.values()].flat())]
  }

  /** Called by kafkajs before the first fetch that follows from the assignment. */
  #onJoin({ memberId, memberAssignment }: ConsumerGroupJoinEvent['payload']): void {
    this.#onHeartbeat()
    // Under a new id nothing was kept: others may have owned the partitions in between.
    if (this.#memberId !== undefined && this.#memberId !== memberId) this.#assign({})
    this.#memberId = memberId
    this.#assign(memberAssignment)
  }

  #assign(assigned: Readonly<Record<string, number[]>>): void {
    this.#assignment = new Map(this.#options.topics.map((topic) => [topic, assigned[topic] ?? []]))
    this.#options.onAssignment?.(this.#assignment)
  }

  #onHeartbeat(): void {
    this.#lastHeartbeatMs = performance.now()
    this.#onActivity()
  }

  #onActivity(): void {
    this.lastActivityMs = performance.now()
    if (this.#isPaused) this.#logger.warn({ group: this.#options.group }, 'consuming goes on')
    this.#isPaused = false
  }

  #onCrash(error: Error, restarts: boolean): void {
    if (restarts) this.#onPause(toLogError(error).message)
    else this.#end(toLogError(error))
  }

  /** Told once, until something is heard again. */
  #onPause(why: string): void {
    if (!this.#isPaused) this.#logger.warn({ group: this.#options.group }, `consuming pauses: ${why}`)
    this.#isPaused = true
  }

  #end(error: Error): void {
    if (this.#ended.signal.aborted) return
    this.stop().catch((failure: unknown) =>
      this.#logger.warn({ err: failure, group: this.#options.group }, 'leaving the group failed'),
    )
    this.#options.onFatal(error)
  }

  async #inTurn(partition: number, work: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(partition) ?? Promise.resolve()).then(work, work)
    this.#turns.set(partition, turn)
    try {
      await turn
    } finally {
      if (this.#turns.get(partition) === turn) this.#turns.delete(partition)
    }
  }

  async #handle({ batch, heartbeat, resolveOffset, commitOffsetsIfNecessary }: EachBatchPayload): Promise<void> {
    const { topic, partition } = batch
    const assignment = this.#assignment
    const alive = () => this.#assignment === assignment && performance.now() - this.#lastHeartbeatMs < sessionTimeoutMs
    if (this.#ended.signal.aborted || !assignment.get(topic)?.includes(partition)) return
    const groupErrors: unknown[] = []
    const context: BatchContext = {
      alive,
      heartbeat: async () => {
        await heartbeat().catch((error: unknown) => {
          groupErrors.push(error)
          throw toLogError(error)
        })
      },
    }
    const records = batch.messages.map((message) => toLogRecord(topic, partition, message))
    try {
      await this.#options.onBatch({ topic, partition, records, endOffset: BigInt(batch.highWatermark) }, context)
    } catch (error) {
      // kafkajs has to see its own error, to join again.
      if (groupErrors.length > 0) throw groupErrors[0]
      await this.#onRefusal(error, `${topic}/${partition}`, heartbeat)
      return
    }
    this.#failures.delete(`${topic}/${partition}`)
    if (!alive()) return
    const next = BigInt(batch.lastOffset()) + 1n
    resolveOffset(batch.lastOffset())
    await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset: String(next) }] }] })
  }

  /** The batch stays unresolved, so kafkajs fetches it again. */
  async #onRefusal(error: unknown, place: string, heartbeat: () => Promise<void>): Promise<void> {
    if (!(error instanceof LogError) || !error.retryable) {
      this.#end(error instanceof Error ? error : new LogError('unexpected', String(error)))
      return
    }
    const failures = (this.#failures.get(place) ?? 0) + 1
    this.#failures.set(place, failures)
    this.#logger.warn({ place, code: error.code, failures }, `a batch comes again: ${error.message}`)
    for (let leftMs = retryDelayMs(failures); leftMs > 0 && !this.#ended.signal.aborted; leftMs -= heartbeatIntervalMs) {
      await setTimeout(Math.min(leftMs, heartbeatIntervalMs))
      await heartbeat()
    }
  }
}
