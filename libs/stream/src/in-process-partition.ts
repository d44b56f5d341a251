/**
 * One partition of the in-process log: records in memory, with Kafka's retention and compaction.
 *
 * Offsets never change. Retention drops from the head what is older than the topic's `retentionMs` or above `retainedBytes`,
 * but nothing that a reader still has ahead of it. Compaction drops a record once its key has a newer one; it runs when at
 * least half of the records would go, so that its cost stays proportional to the appends. A tombstone is itself dropped a day
 * after it was written.
 */
import type { TopicSpec } from '@lapwing/contracts/topics'
import type { LogRecord } from './log.ts'

export interface PartitionLimits {
  readonly cleanup: TopicSpec['cleanup']
  readonly retentionMs: number | undefined
  /** Bytes kept on a topic whose cleanup includes `delete`, keys, headers and an overhead for each record included. */
  readonly retainedBytes: number
}

export class InProcessPartition {
  readonly #limits: PartitionLimits
  #records: LogRecord[] = []
  #earliest = 0n
  #next = 0n
  #bytes = 0
  #lengthAtCompaction = 0

  constructor(limits: PartitionLimits) {
    this.#limits = limits
  }

  get earliest(): bigint {
    return this.#earliest
  }

  get next(): bigint {
    return this.#next
  }

  get bytes(): number {
    return this.#bytes
  }

  append(record: Omit<LogRecord, 'offset'>): void {
    const appended = { ...record, offset: this.#next }
    this.#records.push(appended)
    this.#next += 1n
    this.#bytes += sizeOf(appended)
  }

  /** Records from `offset` on, at least one if there is one, else as many as fit the limits. */
  read(offset: bigint, maxRecords: number, maxBytes: number): LogRecord[] {
    const from = this.#indexOf(offset)
    let bytes = 0
    let to = from
    while (to < this.#records.length && to - from < maxRecords && (to === from || bytes < maxBytes)) {
      bytes += sizeOf(this.#records[to]!)
      to++
    }
    return this.#records.slice(from, to)
  }

  all(): LogRecord[] {
    return this.#records.slice()
  }

  /** @param unreadFrom lowest offset that some reader has still to read */
  clean(nowMs: number, unreadFrom: bigint): void {
    if (this.#limits.cleanup !== 'compact') this.#dropHead(nowMs, unreadFrom)
    if (this.#limits.cleanup !== 'delete') this.#compact(nowMs)
  }

  #dropHead(nowMs: number, unreadFrom: bigint): void {
    const { retentionMs = Number.POSITIVE_INFINITY, retainedBytes } = this.#limits
    let dropped = 0
    for (const record of this.#records) {
      const isKept = this.#bytes <= retainedBytes && nowMs - record.timestampMs <= retentionMs
      if (isKept || record.offset >= unreadFrom) break
      this.#bytes -= sizeOf(record)
      dropped++
    }
    if (dropped === 0) return
    this.#records.splice(0, dropped)
    this.#earliest = this.#records[0]?.offset ?? this.#next
  }

  #compact(nowMs: number): void {
    if (this.#records.length < 2 * this.#lengthAtCompaction + fewRecords) return
    const newest = new Map(this.#records.map((record) => [keyText(record), record]))
    this.#records = this.#records.filter(
      (record) => newest.get(keyText(record)) === record && (record.value !== null || nowMs - record.timestampMs < tombstoneMs),
    )
    this.#lengthAtCompaction = this.#records.length
    this.#bytes = this.#records.reduce((sum, record) => sum + sizeOf(record), 0)
  }

  /** Place of the first record at or after the offset. */
  #indexOf(offset: bigint): number {
    let low = 0
    let high = this.#records.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#records[middle]!.offset < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}

const fewRecords = 1000
const tombstoneMs = 86_400_000
/** What a record costs beside its bytes, roughly, on a 64-bit V8. */
const overheadBytes = 200

function sizeOf(record: LogRecord): number {
  let bytes = overheadBytes + (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const [name, value] of record.headers) bytes += name.length + value.length
  return bytes
}

function keyText(record: LogRecord): string {
  return record.key ? Buffer.from(record.key.buffer, record.key.byteOffset, record.key.length).toString('latin1') : ''
}
