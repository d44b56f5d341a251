/**
 * The newest points of one series, column by column in typed arrays: 34 bytes a point, bounded.
 *
 * Timestamps only rise: a point that is not newer than the newest is refused, which makes a replayed batch harmless. It also
 * refuses a sample that arrives late, so a chart may lack points that the detector has scored.
 */
import type { ScoreColumns } from './score-columns.ts'

export interface PointRing {
  /** Most points kept; the columns grow up to it, so that a short series costs little. */
  readonly capacity: number
  /** Points in it, oldest at `start`, wrapping around at the allocated length. */
  count: number
  start: number
  columns: PointColumns
}

/** In the unit of the metric, except timestamps (milliseconds since the epoch), scores, and the numbers of flags and reasons. The band is NaN while nothing is expected. */
export interface PointColumns {
  readonly timestampsMs: Float64Array
  readonly values: Float64Array
  readonly expected: Float32Array
  readonly lower: Float32Array
  readonly upper: Float32Array
  readonly scores: Float32Array
  readonly flags: Uint8Array
  readonly reasons: Uint8Array
}

export function createPointRing(capacity: number): PointRing {
  return { capacity, count: 0, start: 0, columns: allocate(Math.min(firstAllocation, capacity)) }
}

/** Takes sample `index` of the batch; false when it is not newer than the newest point. */
export function appendPoint(ring: PointRing, batch: ScoreColumns, index: number): boolean {
  const timestampMs = batch.timestampsMs[index]!
  if (ring.count > 0 && !(timestampMs > newestTimestampMs(ring)!)) return false
  if (ring.count === allocated(ring) && ring.count < ring.capacity) grow(ring)
  const full = ring.count === allocated(ring)
  const at = slot(ring, ring.count)
  const { columns } = ring
  columns.timestampsMs[at] = timestampMs
  columns.values[at] = batch.values[index]!
  // A detector that is learning has a band and does not stand by it.
  const isExpected = batch.confidence[index]! > 0
  columns.expected[at] = isExpected ? batch.expected[index]! : Number.NaN
  columns.lower[at] = isExpected ? batch.lower[index]! : Number.NaN
  columns.upper[at] = isExpected ? batch.upper[index]! : Number.NaN
  columns.scores[at] = batch.scores[index]!
  columns.flags[at] = batch.flags[index]!
  columns.reasons[at] = batch.reasons[index]!
  if (full) ring.start = slot(ring, 1)
  else ring.count++
  return true
}

/** Where in the columns the newest point is; undefined while there is none. */
export function newestSlot(ring: PointRing): number | undefined {
  return ring.count === 0 ? undefined : slot(ring, ring.count - 1)
}

/** undefined while it is empty. */
export function newestTimestampMs(ring: PointRing): number | undefined {
  return ring.columns.timestampsMs[newestSlot(ring) ?? -1]
}

/** Where in the columns the points newer than `afterMs` are, oldest first. */
export function slotsAfter(ring: PointRing, afterMs: number): number[] {
  let low = 0
  let high = ring.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ring.columns.timestampsMs[slot(ring, middle)]! > afterMs) high = middle
    else low = middle + 1
  }
  return Array.from({ length: ring.count - low }, (_, i) => slot(ring, low + i))
}

/** Where in the columns the newest `count` points are, oldest first; fewer when there are fewer. */
export function newestSlots(ring: PointRing, count: number): number[] {
  const taken = Math.min(count, ring.count)
  return Array.from({ length: taken }, (_, i) => slot(ring, ring.count - taken + i))
}

const firstAllocation = 64

function allocated(ring: PointRing): number {
  return ring.columns.timestampsMs.length
}

function slot(ring: PointRing, position: number): number {
  return (ring.start + position) % allocated(ring)
}

/** Only a ring that has not wrapped grows, so its points lie from 0 in order. */
function grow(ring: PointRing): void {
  const larger = allocate(Math.min(allocated(ring) * 2, ring.capacity))
  for (const name of Object.keys(larger) as (keyof PointColumns)[]) larger[name].set(ring.columns[name])
  ring.columns = larger
}

function allocate(length: number): PointColumns {
  return {
    timestampsMs: new Float64Array(length),
    values: new Float64Array(length),
    expected: new Float32Array(length),
    lower: new Float32Array(length),
    upper: new Float32Array(length),
    scores: new Float32Array(length),
    flags: new Uint8Array(length),
    reasons: new Uint8Array(length),
  }
}
