/** What a series becomes in the memory of a detector: weighed on one that has just taken a few thousand. */
import { SeriesDetector, type SeriesDetectorOptions } from '@lapwing/detection/series-detector'

/** Bytes a series, spare room of the slabs included. */
export function bytesPerSeries(options: SeriesDetectorOptions): number {
  const before = heldBytes()
  const detector = new SeriesDetector(options)
  const sample = { timestampMs: 0, value: 1, imputed: false, stale: false, stepMs: 15_000, live: true }
  for (let slot = 0; slot < weighed; slot++) detector.update(slot, sample)
  const held = heldBytes() - before
  // Read after the weighing, so that it is still there then.
  return detector.verdict.score >= 0 ? held / weighed : Number.NaN
}

const weighed = 4096

/** The slabs are typed arrays, whose memory is outside of the heap. */
function heldBytes(): number {
  return process.memoryUsage().arrayBuffers
}
