/**
 * All partitions of some topics as they grow, without a group.
 *
 * Rounds of: fetch what is new, hand it over partition by partition, go on. A batch that is refused for a reason that passes comes
 * again and holds up the others meanwhile. When the broker is away the rounds go on with growing pauses; one line says so. Where
 * retention has overtaken the position, reading goes on at the earliest record, and a line says what was missed.
 */
import { setTimeout } from 'node:timers/promises'
import { LogError } from './errors.ts'
import type { KafkaLogger } from './kafka-client.ts'
import type { Fetched, KafkaReader, Position } from './kafka-reader.ts'
import type { Consumption, FollowOptions } from './log.ts'
import { retryDelayMs } from './retry-delay.ts'

/** What is used of a reader. */
export type FollowedReader = Pick<KafkaReader, 'offsets' | 'fetch' | 'refresh' | 'endFetches' | 'close'>

/**
 * @param openReader one with a connection of its own
 * @param hangsMs several times of what a fetch and all that goes before it may take: kafkajs sometimes never answers after a broker was away
 */
export async function followTopics(
  openReader: () => FollowedReader,
  options: FollowOptions,
  logger: KafkaLogger,
  hangsMs = 40_000,
): Promise<Consumption> {
  const reader = openReader()
  const positions = await startPositions(reader, options)
  const follower = new Follower(reader, openReader, options, logger, positions, hangsMs)
  const finished = follower.run()
  const stop = async () => {
    follower.stop()
    await finished
    await follower.close()
  }
  return { lastActivityMs: () => follower.lastActivityMs, stop }
}

/** A fetch returns as soon as there is anything; this is how long an idle one is parked at the broker. */
const parkMs = 5000
/** Before the next fetch, where the broker answers at once although nothing can be shown. */
const undecidedMs = 1000

async function startPositions(reader: FollowedReader, { topics, from }: FollowOptions): Promise<Position[]> {
  const positions: Position[] = []
  try {
    for (const topic of topics) {
      const offsets = await reader.offsets(topic)
      offsets.forEach(({ earliest, next }, partition) => {
        positions.push({ topic, partition, offset: from === 'earliest' ? earliest : next })
      })
    }
    return positions
  } catch (error) {
    await reader.close()
    throw error
  }
}

class Follower {
  /** The log has just told where its topics begin and end. */
  lastActivityMs = performance.now()
  #reader: FollowedReader
  readonly #openReader: () => FollowedReader
  readonly #options: FollowOptions
  readonly #logger: KafkaLogger
  readonly #positions: readonly Position[]
  readonly #hangsMs: number
  readonly #stopping = new AbortController()

  constructor(
    reader: FollowedReader,
    openReader: () => FollowedReader,
    options: FollowOptions,
    logger: KafkaLogger,
    positions: readonly Position[],
    hangsMs: number,
  ) {
    this.#reader = reader
    this.#openReader = openReader
    this.#options = options
    this.#logger = logger
    this.#positions = positions
    this.#hangsMs = hangsMs
  }

  stop(): void {
    this.#stopping.abort()
    this.#reader.endFetches()
  }

  close(): Promise<void> {
    return this.#reader.close()
  }

  async run(): Promise<void> {
    try {
      for (let failures = 0; !this.#stopping.signal.aborted; ) failures = (await this.#round(failures)) ? 0 : failures + 1
    } catch (error) {
      this.#options.onFatal(error instanceof Error ? error : new LogError('unexpected', String(error)))
    }
  }

  /** False when nothing could be fetched, for a reason that passes. */
  async #round(failures: number): Promise<boolean> {
    let fetched: Fetched[]
    try {
      fetched = await this.#inTime(this.#fetch(failures > 0))
    } catch (error) {
      if (this.#stopping.signal.aborted) return true
      if (!(error instanceof LogError) || !error.retryable) throw error
      const { topics } = this.#options
      if (failures === 0) this.#logger.warn({ code: error.code, topics }, `following pauses: ${error.message}`)
      await this.#pause(retryDelayMs(failures + 1))
      return false
    }
    this.lastActivityMs = performance.now()
    // Where there is something that cannot be shown, an open transaction or an emptied batch, the broker answers at once.
    const isIdle = fetched.every(({ position, nextOffset }) => nextOffset === position.offset)
    if (isIdle && fetched.some(({ position, endOffset }) => position.offset < endOffset)) await this.#pause(undecidedMs)
    for (const each of fetched) await this.#handOver(each)
    return true
  }

  async #fetch(isAfterFailure: boolean): Promise<Fetched[]> {
    if (isAfterFailure) await this.#findPlaces()
    return this.#reader.fetch(this.#positions, parkMs)
  }

  /** What hangs is left to itself, with its connection; the next round has a new one. */
  async #inTime(fetching: Promise<Fetched[]>): Promise<Fetched[]> {
    const timer = new AbortController()
    const hangs = setTimeout(this.#hangsMs, 'hangs' as const, { signal: timer.signal, ref: false })
    hangs.catch(() => {})
    const first = await Promise.race([fetching, hangs]).finally(() => timer.abort())
    if (first !== 'hangs') return first
    fetching.catch(() => {})
    const left = this.#reader
    this.#reader = this.#openReader()
    left.endFetches()
    left.close().catch(() => {})
    throw new LogError('timeout', `nothing came for ${this.#hangsMs / 1000} s, not even an error; a new connection is opened`)
  }

  async #handOver({ position, records, nextOffset, endOffset }: Fetched): Promise<void> {
    const { topic, partition } = position
    const alive = () => !this.#stopping.signal.aborted
    const heartbeat = async () => {
      this.lastActivityMs = performance.now()
    }
    for (let failures = 0; records.length > 0; ) {
      if (!alive()) return
      try {
        await this.#options.onBatch({ topic, partition, records, endOffset }, { alive, heartbeat })
        break
      } catch (error) {
        if (!(error instanceof LogError) || !error.retryable) throw error
        await this.#pause(retryDelayMs(++failures))
      }
    }
    position.offset = nextOffset
  }

  /** After a failure: who leads what may have changed, and retention may have gone past a position. */
  async #findPlaces(): Promise<void> {
    await this.#reader.refresh()
    for (const topic of this.#options.topics) {
      const offsets = await this.#reader.offsets(topic)
      for (const position of this.#positions.filter((each) => each.topic === topic)) {
        const { earliest } = offsets[position.partition]!
        if (position.offset >= earliest) continue
        this.#logger.warn({ topic, partition: position.partition, from: position.offset, to: earliest }, 'records expired unread')
        position.offset = earliest
      }
    }
  }

  async #pause(delayMs: number): Promise<void> {
    await setTimeout(delayMs, undefined, { signal: this.#stopping.signal }).catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) throw error
    })
  }
}
