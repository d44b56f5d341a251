/**
 * The series that were seen lately, found by the raw bytes of their labels.
 *
 * A sender repeats its series in much the same order, so the series that followed the last one when that was seen before is
 * tried first: comparing its bytes costs neither a string nor a hash. Only when it is another one are the bytes looked up, and
 * only bytes that are not known are identified.
 *
 * A guess counts only for a series that the cache holds in its younger generation: so what is used stays, there is one entry per
 * spelling, and what has left the cache is not found again. Bounded as the cache is: what `next` leads to was seen later still.
 */
import type { SeriesIdentity } from '@lapwing/contracts/series-table'
import { createRecentCache, type RecentCache } from './recent-cache.ts'

export interface KnownSeries {
  readonly identity: SeriesIdentity
  /** The label fields as they came, a character a byte. */
  readonly labelBytes: string
  /** What followed it when it was seen last. */
  next: KnownSeries | undefined
  /** That of the cache when it was put there last. */
  generation: number
  /** Number of the request that it was in last. */
  request: number
}

/** Tag of a label field, a character a byte: field 1, with a length. */
export const labelTag = '\n'

export class SeriesFinder {
  readonly #known: RecentCache<KnownSeries>
  readonly #identify: (labelBytes: string) => SeriesIdentity
  #last: KnownSeries | undefined

  /** @param identify its errors reach the caller of `find`, and nothing is remembered */
  constructor(limit: number, identify: (labelBytes: string) => SeriesIdentity) {
    this.#known = createRecentCache(limit)
    this.#identify = identify
  }

  /**
   * The series of some label fields: `before`, then the bytes from `start` to `end`. `before` ends with the tag of the first field
   * there, so it is `labelTag` alone when the fields follow each other.
   */
  find(before: string, bytes: Buffer, start: number, end: number): KnownSeries {
    const guess = this.#last?.next
    const found = guess && this.#matches(guess, before, bytes, start, end) ? guess : this.#lookUp(before, bytes, start, end)
    if (this.#last) this.#last.next = found
    this.#last = found
    return found
  }

  #matches({ labelBytes, generation }: KnownSeries, before: string, bytes: Buffer, start: number, end: number): boolean {
    if (generation !== this.#known.generation || before !== labelTag || labelBytes.length !== 1 + end - start) return false
    // From the end, where the labels of neighbours differ.
    for (let i = labelBytes.length - 1; i > 0; i--) if (labelBytes.charCodeAt(i) !== bytes[start + i - 1]) return false
    return true
  }

  #lookUp(before: string, bytes: Buffer, start: number, end: number): KnownSeries {
    const labelBytes = before + bytes.toString('latin1', start, end)
    let found = this.#known.get(labelBytes)
    if (!found) {
      const identity = this.#identify(labelBytes)
      found = { identity, labelBytes, next: undefined, generation: 0, request: 0 }
      this.#known.set(labelBytes, found)
    }
    found.generation = this.#known.generation
    return found
  }
}
