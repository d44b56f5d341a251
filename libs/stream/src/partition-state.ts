/**
 * The state of one partition and the position it belongs to: taken over from an earlier owner, written as a stamped checkpoint.
 *
 * Taking over: (1) become the only writer, so an owner that was only asleep can change nothing any more; (2) read the state topic
 * to its end; (3) check the marker against what was read: count, digest, checksums, layout, configuration; (4) go on behind the
 * marker's offset. What fails a check is told by name and never used: the state is learned anew from what the input still holds.
 *
 * A checkpoint is one transaction: every key that changed, then the marker. It is written behind the outputs of its offset, so
 * a crash between the two repeats outputs, whose identities are functions of their input, and loses nothing.
 *
 * The position of the group plays no part; it only tells lag tools where we are.
 */
import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { DecodeError, decode, encode } from '@lapwing/contracts/codec'
import type { SidePosition } from '@lapwing/contracts/records'
import { decodeState, encodeState, StateError, type StateLayout } from '@lapwing/contracts/state-record'
import type { FencedProducer, Log, LogRecord, OutgoingRecord } from './log.ts'

export interface KeyState {
  readonly key: Uint8Array
  readonly snapshot: Uint8Array
}

export interface StateOptions extends StateLayout {
  /** Compacted topic with the partitions of the input. */
  readonly topic: string
  /** Between two checkpoints. */
  readonly intervalMs: number
}

/** Why a state was not taken over as it was found. */
export type StateDamage =
  | 'count'
  | 'digest'
  | 'ahead_of_marker'
  | 'no_marker'
  | StateError['reason']
  | DecodeError['reason']
  | 'length'

/** A key as it was found, with the last input offset in it. */
export interface FoundKey extends KeyState {
  readonly sourceOffset: bigint
  /** Layout of the snapshot: today's, or an older one. */
  readonly version: number
}

export interface FoundState {
  /** Last input offset in it; undefined when there is no state to go on from. */
  readonly sourceOffset: bigint | undefined
  readonly keys: readonly FoundKey[]
  /** How far other topics have taken effect in it. */
  readonly sidePositions: readonly SidePosition[]
  /** Every key that has a record, usable or not. */
  readonly present: readonly Uint8Array[]
  /** Set when there was something that had to be left. */
  readonly damage: StateDamage | undefined
  /** Of a state that had to be left: the last input offset in it, where that can be told. Everything up to it has been answered. */
  readonly leftAt: bigint | undefined
}

/** What a checkpoint holds beside the state of the keys. */
export interface Beside {
  readonly sidePositions: readonly SidePosition[]
  /** Keys whose state is remembered no longer; one of them may have changed since, being there anew. */
  readonly forgotten?: Iterable<Uint8Array>
  /** Become visible with the checkpoint or not at all. */
  readonly outputs: readonly OutgoingRecord[]
}

/** Ready to be written: what changed, the marker, and what belongs to the same moment on other topics. */
export interface Checkpoint {
  readonly keys: number
  readonly bytes: number
  /** All of it or nothing. Rejects with a LogError; then this owner is finished. */
  commit(): Promise<void>
}

export class PartitionState {
  readonly #options: StateOptions
  readonly #partition: number
  readonly #producer: FencedProducer
  /** Source offset of every live key, by its hexadecimal digits. */
  readonly #offsets: Map<string, bigint>
  /** Keys that are on the topic and are no longer ours: the next checkpoint removes what it does not overwrite. */
  #stale: readonly Uint8Array[] = []
  readonly #present: readonly Uint8Array[]
  #writtenMs = performance.now()

  private constructor(options: StateOptions, partition: number, producer: FencedProducer, found: FoundState) {
    this.#options = options
    this.#partition = partition
    this.#producer = producer
    this.#present = found.present
    // Each partition has its turn at another time: all of them at once would be one long pause.
    this.#writtenMs -= options.intervalMs * ((partition * goldenRatio) % 1)
    this.#offsets = new Map(found.keys.map(({ key, sourceOffset }) => [hex(key), sourceOffset]))
  }

  /** Becomes the owner of the partition's state, and reads it. Rejects with a LogError. */
  static async takeOver(log: Log, group: string, partition: number, options: StateOptions) {
    const producer = await log.fencedProducer(`${group}-${partition}`)
    const records = await log.readToEnd(options.topic, partition)
    const found = readCheckpoint(records, options)
    return { state: new PartitionState(options, partition, producer, found), found }
  }

  /** @param intervalMs since the last checkpoint */
  isDue(intervalMs = this.#options.intervalMs): boolean {
    return performance.now() - this.#writtenMs >= intervalMs
  }

  /** Forgets what was found, because it does not fit. */
  forget(): void {
    this.#offsets.clear()
    this.#stale = this.#present
  }

  /** Puts down what changed, as it is up to that offset. From then on the step may go on; one checkpoint at a time. */
  async prepare(changed: Iterable<KeyState>, sourceOffset: bigint, beside: Beside): Promise<Checkpoint> {
    const { topic } = this.#options
    const records: OutgoingRecord[] = []
    let bytes = 0
    let sliceStartMs = performance.now()
    for (const key of beside.forgotten ?? []) {
      if (this.#offsets.delete(hex(key))) records.push({ topic, partition: this.#partition, key, value: null })
    }
    for (const { key, snapshot } of changed) {
      const value = encodeState(snapshot, sourceOffset, this.#options)
      records.push({ topic, partition: this.#partition, key, value })
      this.#offsets.set(hex(key), sourceOffset)
      bytes += value.length
      if (performance.now() - sliceStartMs < sliceMs) continue
      await nextTurn()
      sliceStartMs = performance.now()
    }
    for (const key of this.#stale) {
      if (!this.#offsets.has(hex(key))) records.push({ topic, partition: this.#partition, key, value: null })
    }
    await nextTurn()
    const marker = encode('StateMarker', {
      version: this.#options.version,
      configHash: this.#options.configHash,
      sourceOffset: Number(sourceOffset),
      keyCount: this.#offsets.size,
      digest: digestOf(this.#offsets),
      sidePositions: beside.sidePositions,
    })
    const keys = records.length
    records.push({ topic, partition: this.#partition, key: markerKey, value: marker }, ...beside.outputs)
    const commit = async () => {
      await nextTurn()
      await this.#producer.commit(records)
      this.#stale = []
      this.#writtenMs = performance.now()
    }
    return { keys, bytes, commit }
  }

  async close(): Promise<void> {
    await this.#producer.close()
  }
}

/** Multiples of it fall evenly between 0 and 1, however many there are. */
const goldenRatio = 0.618_034
/** So long are the other partitions kept waiting at a time while a checkpoint is put together. */
const sliceMs = 10
/** Longer than any key of a state (16 bytes), so it can never be taken for one. */
const markerKey = Buffer.from('checkpoint of this partition')

/** What the records of a state topic add up to. */
export function readCheckpoint(records: readonly LogRecord[], layout: StateLayout): FoundState {
  const newest = new Map<string, LogRecord>()
  for (const record of records) newest.set(hex(record.key ?? Buffer.alloc(0)), record)
  const marker = newest.get(hex(markerKey))
  newest.delete(hex(markerKey))
  const present = [...newest.values()].flatMap(({ key, value }) => (key && value ? [key] : []))
  const nothing = (damage: StateDamage | undefined): FoundState => ({
    sourceOffset: undefined,
    keys: [],
    sidePositions: [],
    present,
    damage,
    leftAt,
  })
  let leftAt: bigint | undefined
  if (!marker?.value) return nothing(present.length > 0 ? 'no_marker' : undefined)
  try {
    const { sourceOffset, keyCount, digest, sidePositions } = decode('StateMarker', marker.value)
    leftAt = BigInt(sourceOffset)
    const keys: FoundKey[] = []
    for (const { key, value } of newest.values()) {
      if (!value) continue
      const state = decodeState(value, layout)
      if (state.sourceOffset > BigInt(sourceOffset)) return nothing('ahead_of_marker')
      keys.push({ key: key!, ...state })
    }
    if (keys.length !== keyCount) return nothing('count')
    if (digestOf(new Map(keys.map((found) => [hex(found.key), found.sourceOffset]))) !== digest) return nothing('digest')
    return { sourceOffset: BigInt(sourceOffset), keys, sidePositions, present, damage: undefined, leftAt: undefined }
  } catch (error) {
    if (error instanceof StateError || error instanceof DecodeError) return nothing(error.reason)
    throw error
  }
}

/** Over all keys and their offsets, whatever their order. */
function digestOf(offsets: ReadonlyMap<string, bigint>): string {
  const hash = createHash('sha256')
  for (const key of [...offsets.keys()].sort()) hash.update(`${key}=${offsets.get(key)}\n`)
  return hash.digest('hex').slice(0, 32)
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
