/**
 * What comes to a stage from other topics and changes its state: a verdict, a model, a control record.
 *
 * Nothing is held in memory: the state of a partition says how far it has taken each topic in, the log says how far they reach,
 * and what lies between is read at the moment when it takes effect. `stateful-stage.ts` decides when that is.
 *
 * A compacted topic may have lost a record before it was read; then a newer one of the same key is there, or was before.
 */
import type { SidePosition } from '@lapwing/contracts/records'
import type { Log, LogRecord } from './log.ts'

export interface SideInput {
  readonly topic: string
  /** `own`: the partition of the same number; `all`: every partition, for what concerns every owner. */
  readonly partitions: 'own' | 'all'
  /** While something waits, a checkpoint is due this long after the last one; also how often is asked whether something does. */
  readonly intervalMs: number
}

/** Records with `from <= offset < to`. */
interface SideRange {
  readonly topic: string
  readonly partition: number
  readonly from: bigint
  readonly to: bigint
}

/** What is on the topics and not in the state. */
export interface Waiting {
  readonly ranges: readonly SideRange[]
  /** The shortest of the inputs concerned. */
  readonly intervalMs: number
}

/** How far the topics reach; asked for all partitions of a process together. */
export class TopicEnds {
  readonly #log: Log
  readonly #asked = new Map<string, { readonly atMs: number; readonly ends: Promise<readonly bigint[]> }>()

  constructor(log: Log) {
    this.#log = log
  }

  /** The next offset of each partition, as it was at most `maxAgeMs` ago. */
  of(topic: string, maxAgeMs: number): Promise<readonly bigint[]> {
    const known = this.#asked.get(topic)
    if (known && performance.now() - known.atMs < maxAgeMs) return known.ends
    const ends = this.#log.offsets(topic).then((offsets) => offsets.map(({ next }) => next))
    const asked = { atMs: performance.now(), ends }
    this.#asked.set(topic, asked)
    ends.catch(() => {
      if (this.#asked.get(topic) === asked) this.#asked.delete(topic)
    })
    return ends
  }
}

export class SideReader {
  readonly #log: Log
  readonly #inputs: readonly SideInput[]
  readonly #ends: TopicEnds
  readonly #partition: number
  /** First offset that is not in the state, by topic and partition. */
  readonly #positions = new Map<string, bigint[]>()

  /** @param positions of the state that was taken over; none for a state that begins anew, which takes everything in again */
  constructor(log: Log, inputs: readonly SideInput[], ends: TopicEnds, partition: number, positions: readonly SidePosition[]) {
    this.#log = log
    this.#inputs = inputs
    this.#ends = ends
    this.#partition = partition
    for (const { topic } of inputs) this.#positions.set(topic, [])
    for (const { topic, partition: of, nextOffset } of positions) {
      const known = this.#positions.get(topic)
      if (known) known[of] = BigInt(nextOffset)
    }
  }

  /** undefined when the state has everything. Rejects with a LogError. */
  async waiting(): Promise<Waiting | undefined> {
    const ranges: SideRange[] = []
    let intervalMs = Number.POSITIVE_INFINITY
    for (const input of this.#inputs) {
      const found = this.#rangesOf(input, await this.#ends.of(input.topic, input.intervalMs))
      if (found.length > 0) intervalMs = Math.min(intervalMs, input.intervalMs)
      ranges.push(...found)
    }
    return ranges.length > 0 ? { ranges, intervalMs } : undefined
  }

  /** The records that wait, in an order that depends on nothing else; from then on they count as taken in. */
  async *take({ ranges }: Waiting): AsyncGenerator<LogRecord> {
    for (const { topic, partition, from, to } of ranges) {
      for await (const records of this.#log.readRange(topic, partition, from, to)) yield* records
      this.#positions.get(topic)![partition] = to
    }
  }

  /** How far each topic has been taken in, for the marker. */
  positions(): SidePosition[] {
    return [...this.#positions].flatMap(([topic, offsets]) =>
      offsets.flatMap((nextOffset, partition) =>
        nextOffset === undefined ? [] : [{ topic, partition, nextOffset: Number(nextOffset) }],
      ),
    )
  }

  #rangesOf({ topic, partitions }: SideInput, ends: readonly bigint[]): SideRange[] {
    const known = this.#positions.get(topic)!
    return ends.flatMap((to, partition) => {
      const from = known[partition] ?? 0n
      return from < to && (partitions === 'all' || partition === this.#partition) ? [{ topic, partition, from, to }] : []
    })
  }
}
