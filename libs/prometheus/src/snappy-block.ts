/**
 * Opens a snappy block that a stranger sent: the length it declares is judged before anything is allocated.
 *
 * Two bounds: the absolute one, and what the format can reach at all. The densest element writes 64 bytes from three, so a
 * block that claims to grow more than that lies, however small its claim is.
 *
 * Source: google/snappy, format_description.txt.
 */
import { uncompressSync } from 'snappy'
import { WriteError } from './remote-write-errors.ts'

/** Largest content accepted, in bytes. */
const uncompressedBytesMax = 32 * 1024 * 1024

/** The content of the block. Throws WriteError. */
export function openSnappyBlock(block: Uint8Array): Buffer {
  const declaredBytes = declaredLength(block)
  if (declaredBytes > uncompressedBytesMax)
    throw new WriteError('too_large', `${declaredBytes} bytes, at most ${uncompressedBytesMax}`)
  if (declaredBytes > (block.length * 64) / 3)
    throw new WriteError('not_snappy', `${block.length} bytes cannot hold ${declaredBytes}`)
  try {
    return uncompressSync(block) as Buffer
  } catch (cause) {
    throw new WriteError('not_snappy', (cause as Error).message, cause)
  }
}

/** The little-endian base-128 number at the head of a block. */
function declaredLength(block: Uint8Array): number {
  let length = 0
  for (let i = 0; i < 5; i++) {
    const byte = block[i]
    if (byte === undefined) break
    length += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return length
  }
  throw new WriteError('not_snappy', 'no length at its head')
}
