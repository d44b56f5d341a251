/**
 * Finds the record of a version on the models topic without reading the others: the place of each, learned once and kept up as the topic grows.
 *
 * A registry holds no weights (`registry.ts`), so whoever needs some reads them where they stand. Compaction moves no record, and takes away
 * only what a newer one of the same key has replaced.
 */
import { decode } from '@lapwing/contracts/codec'
import type { Model } from '@lapwing/contracts/records'
import type { Log, LogRecord } from '@lapwing/stream/log'

export class VersionRecords {
  readonly #log: Log
  readonly #topic: string
  readonly #partition: number
  /** Of the newest record, by model id. */
  readonly #places = new Map<string, { readonly offset: bigint; readonly writtenMs: number }>()
  #next = 0n

  constructor(log: Log, topic: string, partition: number) {
    this.#log = log
    this.#topic = topic
    this.#partition = partition
  }

  /** Reads what has come since the last call. Rejects with a LogError. */
  async catchUp(onRecord: (record: LogRecord) => void = () => {}): Promise<void> {
    const { next } = (await this.#log.offsets(this.#topic))[this.#partition]!
    for await (const records of this.#log.readRange(this.#topic, this.#partition, this.#next, next)) {
      for (const record of records) {
        this.#note(record)
        onRecord(record)
      }
    }
    this.#next = next
  }

  get size(): number {
    return this.#places.size
  }

  /** Ids with this beginning whose newest record was written before that time, milliseconds since the epoch; as far as it was read. */
  writtenBefore(prefix: string, timeMs: number): string[] {
    return [...this.#places].flatMap(([id, { writtenMs }]) => (id.startsWith(prefix) && writtenMs < timeMs ? [id] : []))
  }

  #note({ key, value, offset, timestampMs }: LogRecord): void {
    const modelId = Buffer.from(key ?? []).toString()
    if (value) this.#places.set(modelId, { offset, writtenMs: timestampMs })
    else this.#places.delete(modelId)
  }

  /** The newest record of a version, with its weights. Rejects with a LogError, or a DecodeError when it is damaged. */
  async read(modelId: string): Promise<Model | undefined> {
    await this.catchUp()
    const place = this.#places.get(modelId)
    if (!place) return undefined
    const { offset } = place
    for await (const records of this.#log.readRange(this.#topic, this.#partition, offset, offset + 1n)) {
      for (const { value } of records) return value ? decode('Model', value) : undefined
    }
    return undefined
  }
}
