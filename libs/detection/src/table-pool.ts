/**
 * Memory for many small tables of very different lengths: each takes a block of the size that it needs now, and moves when it grows.
 *
 * Blocks of one size lie side by side in chunks; a block that is given back is used again. So ten thousand series take what they
 * use and little more, where a full table for each would take three times that. Sizes are about a third apart: what a table leaves
 * unused of its block is less than that.
 */
export interface TablePool {
  readonly sizes: readonly BlocksOfSize[]
}

/** Where a table is: which size, and which block of it. 0 is no block. */
export type TableHandle = number

interface BlocksOfSize {
  readonly words: number
  readonly chunks: Float32Array[]
  readonly free: number[]
  /** Blocks ever made. */
  made: number
}

/** A place in a chunk; one object is reused, so read it before the next call. */
interface Place {
  chunk: Float32Array
  start: number
}

const blockWords = [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768]
/** Blocks of a chunk, as a power of two. */
const chunkShift = 6
const sizeShift = 26
const blockMask = 2 ** sizeShift - 1

export function createTablePool(): TablePool {
  // Block 0 of the smallest size is never handed out, so that the handle 0 is free to mean none.
  return { sizes: blockWords.map((words, size) => ({ words, chunks: [], free: [], made: size === 0 ? 1 : 0 })) }
}

/** A block of at least `words`; what it holds is whatever was there. Throws a RangeError above the largest size. */
export function takeBlock({ sizes }: TablePool, words: number): TableHandle {
  const size = blockWords.findIndex((available) => available >= words)
  if (size < 0) throw new RangeError(`a table of ${words} words`)
  const blocks = sizes[size]!
  const block = blocks.free.pop() ?? blocks.made++
  if (block >> chunkShift >= blocks.chunks.length) blocks.chunks.push(new Float32Array(blocks.words << chunkShift))
  return size * 2 ** sizeShift + block
}

export function giveBack({ sizes }: TablePool, handle: TableHandle): void {
  if (handle !== 0) sizes[handle >>> sizeShift]!.free.push(handle & blockMask)
}

/** Words of the block. */
export function blockLength(handle: TableHandle): number {
  return handle === 0 ? 0 : blockWords[handle >>> sizeShift]!
}

const place: Place = { chunk: new Float32Array(0), start: 0 }

export function placeOf({ sizes }: TablePool, handle: TableHandle): Place {
  const blocks = sizes[handle >>> sizeShift]!
  const block = handle & blockMask
  place.chunk = blocks.chunks[block >> chunkShift]!
  place.start = (block & (2 ** chunkShift - 1)) * blocks.words
  return place
}

/** A block for `words`, holding the first `used` words of the old one, which is given back. The same block when it fits well. */
export function resizeBlock(pool: TablePool, handle: TableHandle, words: number, used: number): TableHandle {
  const wanted = blockWords.find((available) => available >= words)
  if (wanted === blockLength(handle)) return handle
  const larger = takeBlock(pool, words)
  if (handle !== 0) {
    const { chunk, start } = placeOf(pool, handle)
    const target = placeOf(pool, larger)
    target.chunk.set(chunk.subarray(start, start + used), target.start)
    giveBack(pool, handle)
  }
  return larger
}
