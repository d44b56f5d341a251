/**
 * A member of a consumer group on kafkajs.
 *
 * What kafkajs leaves to its user is done here. Ownership is a token per assignment, looked at before each effect, because kafkajs
 * lets a handler run on after its partition is gone. Batches of one partition number, whatever their topic, go one at a time.
 * The position is committed after the handler, never by kafkajs itself, and for all partitions together about once a second: a round trip
 * for each batch would cost more than many a batch, and whoever consumes knows what it has done. A batch that is refused for a reason
 * that passes is not resolved and so fetched again; until then its partition is paused and the others go on. A crash that kafkajs does not recover from, and a consumer that hears nothing while
 * the log answers others, are fatal: a process that looks alive and consumes nothing is the worst there is.
 *
 * kafkajs has one fetch at a time per broker and its next one waits for all batches of this one; a slow partition slows the rest.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Consumer, ConsumerGroupJoinEvent, EachBatchPayload, Kafka } from 'kafkajs'
import { AnsweredSilence } from './answered-silence.ts'
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
  const stop = async (beforeLeaving?: () => Promise<void>) => {
    clearInterval(watchdog)
    await member.stop(beforeLeaving)
  }
  return { lastActivityMs: () => member.lastActivityMs, stop }
}

const sessionTimeoutMs = 30_000
/** Bounds how long a group waits for a member that is gone; a handler looks up more often than that, with `heartbeat`. */
const rebalanceTimeoutMs = 15_000
const heartbeatIntervalMs = 1000
/**
 * A member acts as owner this long after a heartbeat that succeeded: the group gives its partitions away neither sooner nor, by its
 * own clock, before that. What is fetched later is left, so nobody handles a record that came after its partition had moved.
 */
const leaseMs = Math.min(sessionTimeoutMs, rebalanceTimeoutMs) - heartbeatIntervalMs
/** A fetch returns as soon as there is anything; this is how long an idle one is parked at the broker. */
const maxWaitMs = 1000
const maxBytesPerPartition = 4 * 1024 * 1024
const maxBytes = 16 * 1024 * 1024
/** So that the outputs of all of them go out together and their acknowledgements are waited for once; the work itself has one core anyway. */
const partitionsAtATime = 64
/** How far the position may be behind what was handled: so much comes again after a crash. */
const commitIntervalMs = 1000
/** Long enough for a batch in hand; without a broker there is nobody to take leave of. */
const leaveTimeoutMs = 8000
const silenceMs = 2 * sessionTimeoutMs
const watchIntervalMs = 10_000

/** Stands for one assignment: whoever holds an older one has lost its partitions. */
type Assignment = ReadonlyMap<string, readonly number[]>

class GroupMember {
  lastActivityMs = performance.now()
  readonly #options: ConsumeOptions
  readonly #logger: KafkaLogger
  readonly #consumer: Consumer
  readonly #ended = new AbortController()
  readonly #turns = new Map<number, Promise<unknown>>()
  readonly #failures = new Map<string, number>()
  readonly #silence = new AnsweredSilence()
  #assignment: Assignment = new Map()
  #memberId: string | undefined
  #lastHeartbeatMs = Number.NEGATIVE_INFINITY
  #isPaused = false
  /** Next offset by partition by topic: handled and not committed. */
  #uncommitted = new Map<string, Map<number, bigint>>()
  #commitTimer: NodeJS.Timeout | undefined
  #commit: EachBatchPayload['commitOffsetsIfNecessary'] = async () => {}

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

  async stop(beforeLeaving = async () => {}): Promise<void> {
    this.#ended.abort()
    const late = delay(leaveTimeoutMs, 'late', { ref: false })
    await Promise.race([Promise.allSettled(this.#turns.values()), late])
    try {
      await beforeLeaving()
    } finally {
      if ((await Promise.race([this.#leave(), late])) === 'late') {
        this.#logger.warn({ group: this.#options.group }, 'the group was not left in order; its session ends by itself')
      }
    }
  }

  /** With the position where the last batches ended. */
  async #leave(): Promise<void> {
    await this.#commitNow()
    await this.#consumer.disconnect()
  }

  /** Fatal when nothing was heard for long while the log answered all that time: kafkajs is stuck. */
  async checkLife(probe: () => Promise<unknown>): Promise<void> {
    const silentForMs = performance.now() - this.lastActivityMs
    if (silentForMs < watchIntervalMs || this.#ended.signal.aborted) return
    this.#onPause('nothing was heard from the log')
    const answers = await probe().then(
      () => true,
      () => false,
    )
    // A batch in hand waits for the log itself, and ends with an answer or an error.
    if (this.#silence.lastsMs(answers, performance.now()) < silenceMs || this.#turns.size > 0) return
    this.#end(new LogError('timeout', `group ${this.#options.group} heard nothing for ${Math.round(silentForMs / 1000)} s`))
  }

  /** What it may still say it owns when it joins again: nothing once its session may have ended and others may have taken over. */
  #claims(): number[] {
    if (performance.now() - this.#lastHeartbeatMs > sessionTimeoutMs) return []
    return [...new Set([...this.#assignment.values()].flat())]
  }

  /** Called by kafkajs before the first fetch that follows from the assignment. */
  #onJoin({ memberId, memberAssignment }: ConsumerGroupJoinEvent['payload']): void {
    if (this.#memberId !== undefined && this.#memberId !== memberId) this.#onGivenUp()
    this.#onHeartbeat()
    this.#memberId = memberId
    this.#assign(memberAssignment)
  }

  /** Under a new id nothing was kept: others may have owned the partitions in between. */
  #onGivenUp(): void {
    const silentForMs = Math.round(performance.now() - this.#lastHeartbeatMs)
    this.#logger.warn(
      { group: this.#options.group, silentForMs },
      'the group had given this member up: its partitions are taken over anew',
    )
    this.#assign({})
  }

  #assign(assigned: Readonly<Record<string, number[]>>): void {
    this.#assignment = new Map(this.#options.topics.map((topic) => [topic, assigned[topic] ?? []]))
    for (const [topic, positions] of this.#uncommitted) {
      for (const partition of positions.keys()) if (!assigned[topic]?.includes(partition)) positions.delete(partition)
    }
    this.#options.onAssignment?.(this.#assignment)
  }

  #onHeartbeat(): void {
    this.#lastHeartbeatMs = performance.now()
    this.#onActivity()
  }

  #onActivity(): void {
    this.lastActivityMs = performance.now()
    this.#silence.heard()
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

  async #handle({ batch, heartbeat, pause, resolveOffset, commitOffsetsIfNecessary }: EachBatchPayload): Promise<void> {
    const { topic, partition } = batch
    // What is left would be fetched again and again until the group is left.
    if (this.#ended.signal.aborted) pause()
    const assignment = this.#assignment
    const alive = () => this.#assignment === assignment && performance.now() - this.#lastHeartbeatMs < leaseMs
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
      this.#onRefusal(error, topic, partition)
      return
    }
    this.#failures.delete(`${topic}/${partition}`)
    if (!alive()) return
    resolveOffset(batch.lastOffset())
    this.#commit = commitOffsetsIfNecessary
    this.#commitSoon(topic, partition, BigInt(batch.lastOffset()) + 1n)
  }

  #commitSoon(topic: string, partition: number, next: bigint): void {
    const positions = this.#uncommitted.get(topic) ?? new Map<number, bigint>()
    this.#uncommitted.set(topic, positions.set(partition, next))
    this.#commitTimer ??= startTimer(() => void this.#commitNow(), commitIntervalMs)
  }

  async #commitNow(): Promise<void> {
    clearTimeout(this.#commitTimer)
    this.#commitTimer = undefined
    const handled = this.#uncommitted
    this.#uncommitted = new Map()
    const topics = [...handled].map(([topic, positions]) => ({
      topic,
      partitions: [...positions].map(([partition, next]) => ({ partition, offset: String(next) })),
    }))
    if (topics.every(({ partitions }) => partitions.length === 0)) return
    try {
      await this.#commit({ topics })
    } catch (error) {
      // A rebalance or an outage, which the next fetch meets as well; what is not committed comes again.
      this.#logger.debug({ err: error, group: this.#options.group }, 'the position was not committed')
    }
  }

  /** The batch stays unresolved, so kafkajs fetches it again, when its partition goes on. */
  #onRefusal(error: unknown, topic: string, partition: number): void {
    if (!(error instanceof LogError) || !error.retryable) {
      this.#end(error instanceof Error ? error : new LogError('unexpected', String(error)))
      return
    }
    const place = `${topic}/${partition}`
    const failures = (this.#failures.get(place) ?? 0) + 1
    this.#failures.set(place, failures)
    this.#logger.warn({ place, code: error.code, failures }, `a batch comes again: ${error.message}`)
    const paused = [{ topic, partitions: [partition] }]
    this.#consumer.pause(paused)
    startTimer(() => this.#ended.signal.aborted || this.#consumer.resume(paused), retryDelayMs(failures))
  }
}

/** One that keeps no process alive. */
function startTimer(action: () => void, delayMs: number): NodeJS.Timeout {
  return setTimeout(action, delayMs).unref()
}
