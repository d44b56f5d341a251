/**
 * The series that a partition watches, and which of them are gone.
 *
 * Where pods come and go, every one brings series of its own: remembered for ever they would fill the partition, and new ones would be left
 * out. So once an hour, by the time of live batches, a series is forgotten that has brought no score for longer than it had been watched: after a day at
 * the earliest, and after `forgetAfterMs` in any case. It is judged as of the batch before the one that begins the hour, so hours
 * in which nothing came at all are not held against anybody.
 *
 * Deterministic: the time is kept in the state, and no clock is asked.
 */
import { keyBytes } from '@lapwing/contracts/series-table'
import type { DriftDetectorOptions } from '@lapwing/detection/drift-detector'
import { isForgotten, isHourOver } from '@lapwing/detection/forgetting'
import { createSeriesSlots } from '@lapwing/detection/series-slots'
import type { KeyState } from '@lapwing/stream/partition-state'
import { decodeTime, decodeWatch, encodeTime, encodeWatch, type SeriesWatch } from './series-watch.ts'

export interface WatchedSeriesOptions extends DriftDetectorOptions {
  /** Series watched at a time. */
  readonly maxSeries: number
  /** Without a score a series is forgotten after this, however long it had been watched. */
  readonly forgetAfterMs: number
}

export class WatchedSeries {
  readonly #options: WatchedSeriesOptions
  readonly #slots = createSeriesSlots()
  /** By slot. */
  readonly #watches: (SeriesWatch | undefined)[] = []
  readonly #changed = new Set<number>()
  #forgotten: Uint8Array[] = []
  /** Newest time of live batches, milliseconds since the epoch; 0 before the first. */
  #nowMs = 0
  #isTimeChanged = false

  constructor(options: WatchedSeriesOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#slots.size
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** With the time of each live batch, before its scores. Whether an hour begins: series that are gone have been forgotten then. */
  advance(toMs: number): boolean {
    if (!(toMs > this.#nowMs)) return false
    const beginsHour = this.#nowMs > 0 && isHourOver(this.#nowMs, toMs)
    if (beginsHour) this.#forgetGone()
    this.#nowMs = toMs
    this.#isTimeChanged = true
    return beginsHour
  }

  /** The watch of a series that brings scores now, made by `begin` when there is none; undefined when there is no room for it. */
  see(keys: Uint8Array, offset: number, begin: () => SeriesWatch): SeriesWatch | undefined {
    const hasRoom = this.#slots.size < this.#options.maxSeries
    const slot = hasRoom ? this.#slots.findOrAdd(keys, offset) : this.#slots.find(keys, offset)
    if (slot === -1) return undefined
    this.#watches[slot] ??= begin()
    const watch = this.#watches[slot]
    watch.seenMs = this.#nowMs
    if (watch.begunMs === 0) watch.begunMs = this.#nowMs
    this.#changed.add(slot)
    return watch
  }

  /** Series of each entity, by its key; undefined while one of them does not know its entity. */
  countByEntity(): ReadonlyMap<string, number> | undefined {
    const counts = new Map<string, number>()
    for (const slot of this.#slots.used()) {
      const { entityKey } = this.#watches[slot]!
      if (entityKey === undefined) return undefined
      counts.set(entityKey, (counts.get(entityKey) ?? 0) + 1)
    }
    return counts
  }

  *takeChanged(): Generator<KeyState> {
    for (const slot of this.#changed) yield { key: this.#slots.keyOf(slot), snapshot: encodeWatch(this.#watches[slot]!) }
    this.#changed.clear()
    if (this.#isTimeChanged) yield { key: timeKey, snapshot: encodeTime(this.#nowMs) }
    this.#isTimeChanged = false
  }

  takeForgotten(): readonly Uint8Array[] {
    const forgotten = this.#forgotten
    this.#forgotten = []
    return forgotten
  }

  /** Of a series or of the time. Throws a RangeError when the bytes are no such state. */
  restore(key: Uint8Array, snapshot: Uint8Array, version: number): void {
    if (key.length !== timeKey.length && key.length !== keyBytes) throw new RangeError(`a series key of ${key.length} bytes`)
    if (key.length === timeKey.length) this.#nowMs = decodeTime(snapshot)
    else this.#watches[this.#slots.findOrAdd(key, 0)] = decodeWatch(snapshot, version, this.#options)
  }

  #forgetGone(): void {
    for (const slot of [...this.#slots.used()]) {
      const watch = this.#watches[slot]!
      if (watch.seenMs === 0) {
        // Watched by an earlier release, or before the first live batch: its time begins here.
        watch.begunMs = watch.seenMs = this.#nowMs
        this.#changed.add(slot)
      } else if (this.#isGone(watch)) this.#forget(slot)
    }
  }

  #isGone({ begunMs, seenMs }: SeriesWatch): boolean {
    return isForgotten({ lastSampleMs: seenMs, knownMs: seenMs - begunMs }, this.#nowMs, this.#options.forgetAfterMs)
  }

  #forget(slot: number): void {
    this.#forgotten.push(this.#slots.keyOf(slot))
    this.#slots.remove(slot)
    this.#watches[slot] = undefined
    this.#changed.delete(slot)
  }
}

/** Shorter than the key of a series. */
const timeKey = Uint8Array.of(2)
