/** How late it is by the samples of a partition: the clock by which versions wait. */
import { decodeIfReadable } from '@lapwing/contracts/codec'
import type { Log } from '@lapwing/stream/log'

/** Newest records of the samples that are asked how late it is. */
const askedRecords = 5n

export class NewestSample {
  readonly #log: Log
  readonly #topic: string
  readonly #partition: number
  #next = -1n
  #newestMs = 0

  constructor(log: Log, topic: string, partition: number) {
    this.#log = log
    this.#topic = topic
    this.#partition = partition
  }

  /** Milliseconds since the epoch as of the last look; 0 before the first live sample. */
  get atMs(): number {
    return this.#newestMs
  }

  /** Rejects with a LogError. */
  async look(): Promise<void> {
    const { earliest, next } = (await this.#log.offsets(this.#topic))[this.#partition]!
    if (next === this.#next) return
    const from = next - askedRecords > earliest ? next - askedRecords : earliest
    for await (const records of this.#log.readRange(this.#topic, this.#partition, from, next)) {
      for (const { value } of records) this.#newestMs = Math.max(this.#newestMs, newestOf(value))
    }
    this.#next = next
  }
}

/** What cannot be read was told as a dead letter by whoever streams it. */
function newestOf(value: Uint8Array | null): number {
  const batch = decodeIfReadable('SampleBatch', value)
  return batch?.kind === 'live' ? batch.newestMs : 0
}
