/**
 * The progress of a query as a record of `ingest-state`: a StateSnapshot of two big-endian int64, stamped with a CRC-32C.
 *
 * Reading refuses what does not fit. The caller then begins the query anew: its warm-up comes again, which the detector
 * recognises sample by sample, while a wrong watermark would lose samples for ever.
 */
import { Crc32c } from '@aws-crypto/crc32c'
import { decode, encode } from '@lapwing/contracts/codec'
import type { Progress } from './poll-plan.ts'

export function encodeProgress({ throughMs, historyUntilMs }: Progress): Buffer {
  const snapshot = Buffer.alloc(16)
  snapshot.writeBigInt64BE(BigInt(throughMs), 0)
  snapshot.writeBigInt64BE(BigInt(historyUntilMs), 8)
  return encode('StateSnapshot', { version: layout, configHash: '', sourceOffset: -1, snapshot, crc32c: crc32cOf(snapshot) })
}

/** Throws DecodeError when it is no StateSnapshot, and an Error when what is in it is damaged. */
export function decodeProgress(value: Uint8Array): Progress {
  const { version, snapshot, crc32c } = decode('StateSnapshot', value)
  if (version !== layout || snapshot.length !== 16) throw new Error(`progress of layout ${version}, ${snapshot.length} bytes`)
  if (crc32c !== crc32cOf(snapshot)) throw new Error('progress with a wrong checksum')
  const bytes = Buffer.from(snapshot)
  return { throughMs: Number(bytes.readBigInt64BE(0)), historyUntilMs: Number(bytes.readBigInt64BE(8)) }
}

const layout = 1

/** Signed, as the schema has it. */
function crc32cOf(bytes: Uint8Array): number {
  return new Crc32c().update(bytes).digest() | 0
}
