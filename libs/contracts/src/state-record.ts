/**
 * State of one key as a record of a state topic, guarded: a snapshot that is damaged, or of another configuration or layout, is
 * refused by name and never used in part. An older layout is handed on with its number: whoever wrote it knows how to read it, for
 * ever. A newer one is refused, as after a rollback.
 */
import { crc32 } from 'node:zlib'
import { decode, encode } from './codec.ts'
import { bytesOf } from './columns.ts'

/** Why a snapshot is not used: bounded, so it can be a metric's label. */
export type StateRefusal = 'malformed' | 'checksum' | 'layout' | 'config'

export class StateError extends Error {
  readonly reason: StateRefusal
  constructor(reason: StateRefusal, message: string) {
    super(message)
    this.name = 'StateError'
    this.reason = reason
  }
}

/** What a snapshot must fit to be used. */
export interface StateLayout {
  /** The newest layout, which is the one that is written; from 1 on. */
  readonly version: number
  readonly configHash: string
}

/** @param sourceOffset last input record in the state, -1 when there is none */
export function encodeState(snapshot: Uint8Array, sourceOffset: bigint, { version, configHash }: StateLayout): Buffer {
  return encode('StateSnapshot', {
    version,
    configHash,
    sourceOffset: Number(sourceOffset),
    snapshot: bytesOf(snapshot),
    crc32: crc32(snapshot) | 0,
  })
}

export interface DecodedState {
  readonly snapshot: Buffer
  readonly sourceOffset: bigint
  /** Layout of the snapshot, at most that which was asked for. */
  readonly version: number
}

/** Throws StateError or DecodeError. */
export function decodeState(bytes: Uint8Array, { version, configHash }: StateLayout): DecodedState {
  const record = decode('StateSnapshot', bytes)
  if (record.version < 1 || record.version > version) {
    throw new StateError('layout', `state of layout ${record.version}, expected at most ${version}`)
  }
  if (record.configHash !== configHash) throw new StateError('config', `state of configuration ${record.configHash}`)
  if ((crc32(record.snapshot) | 0) !== record.crc32) throw new StateError('checksum', 'state with a wrong checksum')
  return { snapshot: record.snapshot, sourceOffset: BigInt(record.sourceOffset), version: record.version }
}
