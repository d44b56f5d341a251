/**
 * Slot numbers for 128-bit series keys: an open-addressing table over typed arrays.
 *
 * Looking up a key allocates nothing; a Map would need a string per sample. Keys are hashes already, so four of their bytes
 * serve as the hash. Slots are given out in order from 0, and those that were removed first; whoever owns the columns decides the limit and
 * clears what a removed series has left in them.
 */
export interface SeriesSlots {
  /** Series that have a slot. */
  readonly size: number
  /** The slot of the key at `offset`, or -1. */
  find(keys: Uint8Array, offset: number): number
  /** The slot of the key at `offset`, a new one when it is unknown. */
  findOrAdd(keys: Uint8Array, offset: number): number
  /** The 16 bytes of a slot's key. */
  keyOf(slot: number): Uint8Array
  /** The slots in use, in no order that means anything. */
  used(): Iterable<number>
  /** Takes the slot back from its series; the next new one may get it. */
  remove(slot: number): void
}

export function createSeriesSlots(): SeriesSlots {
  let capacity = 1024
  let table = new Int32Array(capacity).fill(-1)
  let stored = new Uint32Array((capacity / 2) * wordsPerKey)
  /** Slots ever given out; some may be free again. */
  let made = 0
  const free = new Set<number>()

  const place = (a: number, b: number, c: number, d: number): number => {
    let at = a & (capacity - 1)
    for (;;) {
      const slot = table[at]!
      if (slot === -1) return at
      const word = slot * wordsPerKey
      if (stored[word] === a && stored[word + 1] === b && stored[word + 2] === c && stored[word + 3] === d) return at
      at = (at + 1) & (capacity - 1)
    }
  }

  const grow = () => {
    capacity *= 2
    table = new Int32Array(capacity).fill(-1)
    const larger = new Uint32Array((capacity / 2) * wordsPerKey)
    larger.set(stored)
    stored = larger
    for (const slot of used()) table[placeOfSlot(slot)] = slot
  }

  function* used(): Generator<number> {
    for (let slot = 0; slot < made; slot++) if (!free.has(slot)) yield slot
  }

  const placeOfSlot = (slot: number): number => {
    const word = slot * wordsPerKey
    return place(stored[word]!, stored[word + 1]!, stored[word + 2]!, stored[word + 3]!)
  }

  /** Empties a place, and moves back what stands behind it only because it was taken (Knuth, volume 3, 6.4, algorithm R). */
  const empty = (from: number) => {
    const mask = capacity - 1
    let hole = from
    table[hole] = -1
    for (let at = (hole + 1) & mask; table[at] !== -1; at = (at + 1) & mask) {
      const home = stored[table[at]! * wordsPerKey]! & mask
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      table[hole] = table[at]!
      table[at] = -1
      hole = at
    }
  }

  return {
    get size() {
      return made - free.size
    },
    find: (keys, offset) =>
      table[place(word32(keys, offset), word32(keys, offset + 4), word32(keys, offset + 8), word32(keys, offset + 12))]!,
    findOrAdd: (keys, offset) => {
      const a = word32(keys, offset)
      const b = word32(keys, offset + 4)
      const c = word32(keys, offset + 8)
      const d = word32(keys, offset + 12)
      const known = table[place(a, b, c, d)]!
      if (known !== -1) return known
      if (free.size === 0 && made === capacity / 2) grow()
      const slot = free.size > 0 ? free.values().next().value! : made++
      free.delete(slot)
      table[place(a, b, c, d)] = slot
      stored.set([a, b, c, d], slot * wordsPerKey)
      return slot
    },
    keyOf: (slot) => {
      const key = new Uint8Array(wordsPerKey * 4)
      for (let byte = 0; byte < key.length; byte++) key[byte] = stored[slot * wordsPerKey + (byte >> 2)]! >>> (8 * (byte & 3))
      return key
    },
    used,
    remove: (slot) => {
      empty(placeOfSlot(slot))
      free.add(slot)
    },
  }
}

const wordsPerKey = 4

function word32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}
