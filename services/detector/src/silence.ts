/**
 * Which series have fallen silent: what the detector of a partition remembers of them, and when it asks.
 *
 * A series is watched from its first told sample on, until its source says that it has ended (a staleness marker) or it has been silent for
 * a day. Silence is judged by the time of the source it came from, the newest time of its live batches: another source may lag behind or be
 * ahead, and no clock is asked, so a replay asks at the same batches. A source that was away itself excuses its series until it is back.
 *
 * Blind to a source that brings nothing at all to this partition any more.
 */
import { createHash } from 'node:crypto'
import { bytesOf } from '@lapwing/contracts/columns'
import type { LabelSet } from '@lapwing/contracts/series'
import { sortedLabels } from '@lapwing/contracts/series'
import type { KeyState } from '@lapwing/stream/partition-state'
import { takeGone } from './gone-keys.ts'

/** What a record of a silent series needs. */
export interface WatchedSeries {
  readonly source: string
  /** 32 hexadecimal digits. */
  readonly entityKey: string
  readonly labels: LabelSet
}

/** How far a source has come. */
interface SourceClock {
  readonly newestMs: number
  /** Mean distance of its batches. */
  readonly usualGapMs: number
  /** When it came, or came back: what its series did not say before is not held against them. */
  readonly resumedMs: number
  readonly sweptMs: number
}

/** When to ask: it is `nowMs`, and silence counts from `sinceMs` on. */
export interface Sweep {
  readonly nowMs: number
  readonly sinceMs: number
  /** When it was asked last. */
  readonly previousMs: number
}

export interface SilenceOptions {
  keyOf(slot: number): Uint8Array
  /** -1 when there is no room for it. */
  slotOf(seriesKey: Uint8Array): number
}

export class SilenceWatch {
  readonly #options: SilenceOptions
  readonly #series = new Map<number, WatchedSeries>()
  readonly #changed = new Set<number>()
  /** By the hash of the source's name. */
  readonly #clocks = new Map<string, SourceClock>()
  readonly #changedClocks = new Set<string>()

  constructor(options: SilenceOptions) {
    this.#options = options
  }

  watches(slot: number): boolean {
    return this.#series.has(slot)
  }

  watch(slot: number, series: WatchedSeries): void {
    this.#series.set(slot, series)
    this.#changed.add(slot)
  }

  unwatch(slot: number): void {
    if (this.#series.delete(slot)) this.#changed.add(slot)
  }

  /** Forgets the series; returns its key on the state topic. */
  forget(slot: number): Uint8Array {
    this.#series.delete(slot)
    this.#changed.delete(slot)
    return this.#keyOf(slot)
  }

  #keyOf(slot: number): Uint8Array {
    return Uint8Array.of(...this.#options.keyOf(slot), watchTag)
  }

  /** Takes in that a live batch of the source came; a sweep when it is time for one. */
  advance(source: string, newestMs: number): Sweep | undefined {
    const key = clockKeyOf(source)
    const before = this.#clocks.get(key)
    if (before && newestMs <= before.newestMs) return undefined
    const clock = advanced(before, newestMs)
    const isDue = newestMs - clock.sweptMs >= sweepEveryMs
    this.#clocks.set(key, isDue ? { ...clock, sweptMs: newestMs } : clock)
    this.#changedClocks.add(key)
    return isDue ? { nowMs: newestMs, sinceMs: clock.resumedMs, previousMs: clock.sweptMs } : undefined
  }

  /** Those watched series of a source that `isMeant`, in the order of their keys: slots are others after a restart. */
  seriesOf(source: string, isMeant: (slot: number) => boolean): (readonly [slot: number, series: WatchedSeries])[] {
    const { keyOf } = this.#options
    const meant = [...this.#series].filter(([slot, series]) => series.source === source && isMeant(slot))
    return meant.sort(([a], [b]) => Buffer.compare(keyOf(a), keyOf(b)))
  }

  /** Keys on the state topic of series that are watched no longer. */
  takeForgotten(): Uint8Array[] {
    return takeGone(this.#changed, (slot) => this.#series.has(slot)).map((slot) => this.#keyOf(slot))
  }

  *takeChanged(): Generator<KeyState> {
    for (const slot of this.#changed) yield { key: this.#keyOf(slot), snapshot: encodeWatched(this.#series.get(slot)!) }
    for (const key of this.#changedClocks) {
      const { newestMs, usualGapMs, resumedMs, sweptMs } = this.#clocks.get(key)!
      const snapshot = bytesOf(Float64Array.of(newestMs, usualGapMs, resumedMs, sweptMs))
      yield { key: Uint8Array.of(...Buffer.from(key, 'hex'), clockTag), snapshot }
    }
    this.#changed.clear()
    this.#changedClocks.clear()
  }

  /** False when the key is of something else. What is empty was written by 0.1.0 for a series that is not watched. Throws a RangeError when the bytes do not fit. */
  restore(key: Uint8Array, snapshot: Uint8Array): boolean {
    const tag = key.length === 17 ? key[16] : undefined
    if (tag === clockTag) this.#clocks.set(Buffer.from(key.subarray(0, 16)).toString('hex'), decodeClock(snapshot))
    if (tag === watchTag && snapshot.length > 0) {
      const slot = this.#options.slotOf(key)
      if (slot !== -1) this.#series.set(slot, decodeWatched(snapshot))
    }
    return tag === clockTag || tag === watchTag
  }
}

/** Silent for longer, a series is gone for good. */
export const longestSilenceMs = 86_400_000

const sweepEveryMs = 5000
/** A source that brought nothing for this many of its usual gaps was away. */
const awayGaps = 4
const leastAwayMs = 10_000
const gapWeight = 0.05
/** Last bytes of keys on the state topic; 1 to 3 are verdicts and cohorts. */
const watchTag = 4
const clockTag = 5

function advanced(before: SourceClock | undefined, newestMs: number): SourceClock {
  if (!before) return { newestMs, usualGapMs: 0, resumedMs: newestMs, sweptMs: newestMs }
  const gapMs = newestMs - before.newestMs
  const usual = before.usualGapMs === 0 ? gapMs : before.usualGapMs
  const wasAway = gapMs > Math.max(leastAwayMs, awayGaps * usual)
  return {
    newestMs,
    usualGapMs: usual + gapWeight * (Math.min(gapMs, awayGaps * usual) - usual),
    resumedMs: wasAway ? newestMs : before.resumedMs,
    sweptMs: before.sweptMs,
  }
}

function clockKeyOf(source: string): string {
  return createHash('sha256').update(source).digest('hex').slice(0, 32)
}

function encodeWatched({ source, entityKey, labels }: WatchedSeries): Uint8Array {
  return Buffer.from(JSON.stringify([source, entityKey, labels.map(({ name, value }) => [name, value])]))
}

function decodeWatched(snapshot: Uint8Array): WatchedSeries {
  const [source, entityKey, pairs] = parse(snapshot)
  if (typeof source !== 'string' || typeof entityKey !== 'string' || !Array.isArray(pairs)) {
    throw new RangeError('what is known of a series for its silence does not fit')
  }
  return { source, entityKey, labels: sortedLabels(pairs) }
}

function parse(snapshot: Uint8Array): unknown[] & { 2: [string, string][] } {
  try {
    return JSON.parse(Buffer.from(snapshot).toString())
  } catch {
    throw new RangeError('what is known of a series for its silence is no JSON')
  }
}

function decodeClock(snapshot: Uint8Array): SourceClock {
  if (snapshot.length !== 32) throw new RangeError(`the clock of a source takes 32 bytes, found ${snapshot.length}`)
  const bytes = Buffer.from(snapshot)
  const [newestMs, usualGapMs, resumedMs, sweptMs] = [0, 8, 16, 24].map((at) => bytes.readDoubleLE(at))
  return { newestMs: newestMs!, usualGapMs: usualGapMs!, resumedMs: resumedMs!, sweptMs: sweptMs! }
}
