/** What is kept of a series that is watched, and how it stands on the state topic. */
import { createHash } from 'node:crypto'
import { bytesOf, float64Column } from '@lapwing/contracts/columns'
import { createDriftDetector, type DriftDetector, type DriftDetectorOptions } from '@lapwing/detection/drift-detector'

export interface SeriesWatch {
  detector: DriftDetector
  /** Whose scores the detector has seen. */
  model: number
}

/** Earlier releases did not write it down. */
export const unknownModel = 0

/** A name as a number of 48 bits that is not 0. */
export function modelNumber(name: string): number {
  return createHash('sha256').update(name).digest().readUIntBE(0, 6) + 1
}

/** The model, then what the detector knows. */
export function encodeWatch({ detector, model }: SeriesWatch): Uint8Array {
  return bytesOf(Float64Array.of(model, ...detector.snapshot()))
}

/** Throws a RangeError when the bytes are no such state. */
export function decodeWatch(snapshot: Uint8Array, options: DriftDetectorOptions): SeriesWatch {
  if (snapshot.length % 8 !== 0 || snapshot.length === 0) throw new RangeError(`a drift state of ${snapshot.length} bytes`)
  const numbers = float64Column(snapshot)
  return { detector: createDriftDetector(options, numbers.subarray(1)), model: numbers[0]! }
}
