/**
 * The series that were seen lately, found by the raw bytes of their labels.
 *
 * A sender repeats its series in much the same order, so the series that followed the last one when that was seen before is
 * tried first: comparing its bytes costs neither a string nor a hash. Only when it is another one are the bytes looked up, and
 * only bytes that are not known are identified.
 *
 * A guess counts only for a series that the cache holds in its younger generation: so what is used stays, there is one entry per
 * spelling, and what has left the cache is not found again. `next` keeps nothing alive that the cache has let go, but for what followed
 * the very last one: it was seen after its predecessor was seen last.
 *
 * A usual series costs about 1.5 KB, one with 4,000 bytes of labels 18 KB (measured): long ones count as several, so fewer are remembered.
 */
import type { SeriesIdentity } from '@lapwing/contracts/series-table'
import type { SendingReplica } from './pushed-series.ts'
import { createRecentCache, type RecentCache } from './recent-cache.ts'

/** What the labels of a series say. */
export interface SeriesOrigin {
  /** undefined: relabelling dropped it. */
  readonly identity: SeriesIdentity | undefined
  /** undefined: not one of several that send the same. */
  readonly replica: SendingReplica | undefined
}

export interface KnownSeries extends SeriesOrigin {
  readonly tenant: string
  /** The label fields as they came, a character a byte. */
  readonly labelBytes: string
  /** The same but for the tag of the first field, four bytes a number, the last ones as they are left; from `wordsAt` on. */
  readonly words: Int32Array
  readonly wordsAt: number
  /** What followed it when it was seen last. */
  next: KnownSeries | undefined
  /** That of the cache when it was put there last. */
  generation: number
  /** Number of the request that it was in last. */
  request: number
  /** That of the limit under which it was admitted last. */
  pass: number
}

/** Labels up to here count as one series, twice as many as two. */
const usualLabelBytes = 270

/** Tag of a label field, a character a byte: field 1, with a length. */
export const labelTag = '\n'

export class SeriesFinder {
  readonly #known: RecentCache<KnownSeries>
  readonly #identify: (labelBytes: string, tenant: string) => SeriesOrigin
  /** Whose series are looked for: those of two tenants are never the same. */
  tenant = ''
  #last: KnownSeries | undefined
  readonly #words = new WordStore()
  /** Of the bytes in hand. */
  #view: DataView = new DataView(new ArrayBuffer(0))
  #bytes: Buffer | undefined

  /**
   * @param limit of series that are remembered, twice as many at the worst moment; long labels count as more than one
   * @param identify its errors reach the caller of `find`, and nothing is remembered
   */
  constructor(limit: number, identify: (labelBytes: string, tenant: string) => SeriesOrigin) {
    this.#known = createRecentCache(limit, (labelBytes) => Math.max(1, labelBytes.length / usualLabelBytes))
    this.#identify = identify
  }

  /**
   * The series of some label fields: `before`, then the bytes from `start` to `end`. `before` ends with the tag of the first field
   * there, so it is `labelTag` alone when the fields follow each other.
   */
  find(before: string, bytes: Buffer, start: number, end: number): KnownSeries {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    }
    const guess = this.#last?.next
    const found = guess && this.#matches(guess, before, bytes, start, end) ? guess : this.#lookUp(before, bytes, start, end)
    if (this.#last) this.#last.next = found
    this.#last = found
    return found
  }

  #matches(known: KnownSeries, before: string, bytes: Buffer, start: number, end: number): boolean {
    const { generation, tenant, labelBytes, words } = known
    const isLike = tenant === this.tenant && generation === this.#known.generation
    if (!isLike || before !== labelTag || labelBytes.length !== 1 + end - start) return false
    const view = this.#view
    const wordsEnd = end - 3
    let at = start
    let word = known.wordsAt
    for (; at < wordsEnd; at += 4) if (words[word++] !== view.getInt32(at, true)) return false
    for (; at < end; at++) if (labelBytes.charCodeAt(1 + at - start) !== bytes[at]) return false
    return true
  }

  #lookUp(before: string, bytes: Buffer, start: number, end: number): KnownSeries {
    const labelBytes = before + bytes.toString('latin1', start, end)
    // No tenant has the tag in its name, which is that of a line break.
    const key = this.tenant + labelBytes
    let found = this.#known.get(key)
    if (!found) {
      const { tenant } = this
      const { identity, replica } = this.#identify(labelBytes, tenant)
      const place = this.#words.keep(labelBytes)
      found = { identity, replica, tenant, labelBytes, ...place, next: undefined, generation: 0, request: 0, pass: 0 }
      this.#known.set(key, found)
    }
    found.generation = this.#known.generation
    return found
  }
}

/** Eight kilobytes: an array stays as long as one of its series does. */
const wordsPerArray = 2048

/** Words of label bytes, one behind the other: series that follow each other in requests then follow each other in memory. */
class WordStore {
  #words = new Int32Array(0)
  #used = 0

  keep(labelBytes: string): { words: Int32Array; wordsAt: number } {
    const count = (labelBytes.length - 1) >> 2
    if (this.#used + count > this.#words.length) {
      this.#words = new Int32Array(Math.max(count, wordsPerArray))
      this.#used = 0
    }
    const wordsAt = this.#used
    for (let i = 0; i < count; i++) this.#words[wordsAt + i] = wordAt(labelBytes, 1 + 4 * i)
    this.#used += count
    return { words: this.#words, wordsAt }
  }
}

/** The lowest byte first, as it is read from a request. */
function wordAt(text: string, at: number): number {
  return text.charCodeAt(at) | (text.charCodeAt(at + 1) << 8) | (text.charCodeAt(at + 2) << 16) | (text.charCodeAt(at + 3) << 24)
}
