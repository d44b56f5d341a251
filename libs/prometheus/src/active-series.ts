/**
 * The series that somebody sends, counted up to a limit. One counts from its first sample until it has been silent for one to two windows:
 * two generations of keys, the older of which is forgotten when a window ends.
 *
 * Whoever sends a series again is let through by the number of the pass alone, once in a window by its key: so a known series costs one
 * comparison a request.
 */
import type { SeriesIdentity } from '@lapwing/contracts/series-table'

/** Numbers are never used twice, so that a pass of one counter does not pass for that of another. */
let passes = 0

export class ActiveSeries {
  readonly #limit: number
  readonly #windowMs: number
  #young = new Set<string>()
  #old = new Set<string>()
  #windowEndMs = Number.NEGATIVE_INFINITY
  /** Changes when a window ends. */
  pass = ++passes

  constructor(limit: number, windowMs: number) {
    this.#limit = limit
    this.#windowMs = windowMs
  }

  /** Forgets what has been silent. Call before the series of a request. */
  turn(nowMs: number): void {
    if (nowMs < this.#windowEndMs) return
    this.#old = nowMs < this.#windowEndMs + this.#windowMs ? this.#young : new Set()
    this.#young = new Set()
    this.#windowEndMs = nowMs + this.#windowMs
    this.pass = ++passes
  }

  /** Whether `add` would leave the limit kept. */
  hasRoom(series: SeriesIdentity): boolean {
    if (this.count < this.#limit) return true
    const key = keyOf(series)
    return this.#young.has(key) || this.#old.has(key)
  }

  add(series: SeriesIdentity): void {
    const key = keyOf(series)
    this.#old.delete(key)
    this.#young.add(key)
  }

  get count(): number {
    return this.#young.size + this.#old.size
  }
}

function keyOf({ key }: SeriesIdentity): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}
