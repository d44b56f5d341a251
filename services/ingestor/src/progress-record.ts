/**
 * The progress of a query as a record of `ingest-state`: a StateSnapshot of two big-endian int64, with its checksum.
 *
 * Reading refuses what does not fit. The caller then begins the query anew: its warm-up comes again, which the detector
 * recognises sample by sample, while a wrong watermark would lose samples for ever.
 */
import { decodeState, encodeState, StateError, type StateLayout } from '@lapwing/contracts/state-record'
import type { Progress } from './poll-plan.ts'

export function encodeProgress({ throughMs, historyUntilMs }: Progress): Buffer {
  const snapshot = Buffer.alloc(snapshotBytes)
  snapshot.writeBigInt64BE(BigInt(throughMs), 0)
  snapshot.writeBigInt64BE(BigInt(historyUntilMs), 8)
  return encodeState(snapshot, -1n, layout)
}

/** Throws DecodeError or StateError. */
export function decodeProgress(value: Uint8Array): Progress {
  const { snapshot } = decodeState(value, layout)
  if (snapshot.length !== snapshotBytes) throw new StateError('malformed', `progress of ${snapshot.length} bytes`)
  return { throughMs: Number(snapshot.readBigInt64BE(0)), historyUntilMs: Number(snapshot.readBigInt64BE(8)) }
}

const layout: StateLayout = { version: 1, configHash: '' }
const snapshotBytes = 16
