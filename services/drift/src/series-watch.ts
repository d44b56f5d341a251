/** What is kept of a series that is watched, and how it stands on the state topic. */
import { createHash } from 'node:crypto'
import { bytesOf, float64Column } from '@lapwing/contracts/columns'
import { createDriftDetector, type DriftDetector, type DriftDetectorOptions } from '@lapwing/detection/drift-detector'

export interface SeriesWatch {
  detector: DriftDetector
  /** Whose scores the detector has seen. */
  model: number
  /** 32 hexadecimal digits; earlier releases did not write it down. */
  entityKey: string | undefined
  /** First and newest score by the time of live batches, milliseconds since the epoch; 0 while that is not known. */
  begunMs: number
  seenMs: number
}

/** Earlier releases did not write it down. */
export const unknownModel = 0

/** A name as a number of 48 bits that is not 0. */
export function modelNumber(name: string): number {
  return createHash('sha256').update(name).digest().readUIntBE(0, 6) + 1
}

/** Layout 2: the model, the times, the entity, then what the detector knows. */
export function encodeWatch({ detector, model, entityKey, begunMs, seenMs }: SeriesWatch): Uint8Array {
  const head = bytesOf(Float64Array.of(model, begunMs, seenMs))
  return Buffer.concat([head, Buffer.from(entityKey ?? noEntity, 'hex'), bytesOf(detector.snapshot())])
}

/**
 * Throws a RangeError when the bytes are no such state.
 *
 * @param version 1 has the model and what the detector knows
 */
export function decodeWatch(snapshot: Uint8Array, version: number, options: DriftDetectorOptions): SeriesWatch {
  const headBytes = version === 1 ? 8 : 40
  if (snapshot.length % 8 !== 0 || snapshot.length < headBytes) throw new RangeError(`a drift state of ${snapshot.length} bytes`)
  const [model, begunMs, seenMs] = float64Column(snapshot.subarray(0, headBytes))
  const detector = createDriftDetector(options, float64Column(snapshot.subarray(headBytes)))
  if (version === 1) return { detector, model: model!, entityKey: undefined, begunMs: 0, seenMs: 0 }
  const entityKey = Buffer.from(snapshot.subarray(24, headBytes)).toString('hex')
  return {
    detector,
    model: model!,
    entityKey: entityKey === noEntity ? undefined : entityKey,
    begunMs: begunMs!,
    seenMs: seenMs!,
  }
}

const noEntity = '0'.repeat(32)

/** Of the partition. */
export function encodeTime(nowMs: number): Uint8Array {
  return bytesOf(Float64Array.of(nowMs))
}

/** Throws a RangeError when the bytes are no time. */
export function decodeTime(snapshot: Uint8Array): number {
  if (snapshot.length !== 8) throw new RangeError(`a time of ${snapshot.length} bytes`)
  return float64Column(snapshot)[0]!
}
