/** Sample records as they should not be, each of a kind, and what the detector's step says of bytes. */
import { DecodeError, encode } from '@lapwing/contracts/codec'
import { ColumnError } from '@lapwing/contracts/columns'
import { detectorSchema } from '@lapwing/detector/config'
import { createDetectStep } from '@lapwing/detector/detect'
import type { LogRecord } from '@lapwing/stream/log'

/** @param random in [0, 1) */
export function damagedRecord(good: Uint8Array, random: () => number): Buffer {
  const kinds = [randomBytes, framedRandomBytes, truncated, otherRecord, otherSchema, manyBitsFlipped]
  return kinds[Math.floor(random() * kinds.length)]!(Buffer.from(good), random)
}

/** `learned` when the bytes look like samples, else the reason why not. Throws what no damaged bytes may cause. */
export function answerTo(value: Uint8Array): string {
  const record: LogRecord = { topic: 'samples', partition: 0, offset: 0n, timestampMs: 0, key: null, value, headers: new Map() }
  try {
    step.process(record, () => {})
    return 'learned'
  } catch (error) {
    if (error instanceof DecodeError) return error.reason
    if (error instanceof ColumnError) return 'malformed'
    throw error
  }
}

const step = createDetectStep({
  config: detectorSchema.parse({}),
  scoresTopic: 'scores',
  anomaliesTopic: 'anomalies',
  modelsTopic: 'models',
  observe: () => {},
  observeVerdict: () => {},
})
const headerBytes = 5

function randomBytes(_good: Buffer, random: () => number): Buffer {
  return Buffer.from(Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256)))
}

/** Behind the frame of a sample batch. */
export function framedRandomBytes(good: Buffer, random: () => number): Buffer {
  return Buffer.concat([good.subarray(0, headerBytes), randomBytes(good, random)])
}

function truncated(good: Buffer, random: () => number): Buffer {
  return good.subarray(0, Math.floor(random() * good.length))
}

function otherRecord(): Buffer {
  return encode('StateMarker', { version: 1, configHash: 'x', sourceOffset: 1, keyCount: 1, digest: 'x', sidePositions: [] })
}

function otherSchema(good: Buffer, random: () => number): Buffer {
  const copy = Buffer.from(good)
  copy.writeInt32BE(100_000 + Math.floor(random() * 1000), 1)
  return copy
}

export function manyBitsFlipped(good: Buffer, random: () => number): Buffer {
  const copy = Buffer.from(good)
  for (let flips = 1 + random() * 50; flips > 0; flips--)
    copy[Math.floor(random() * copy.length)]! ^= 1 << Math.floor(random() * 8)
  return copy
}
