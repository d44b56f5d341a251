/**
 * The one thing that is looked at in a native histogram, which is accepted and not scored: whether its count is that of its buckets.
 *
 * As in Prometheus, only counts that are whole numbers are held to that; with NaN among the observations the buckets may hold fewer.
 *
 * Source: prompb/types.proto and io/prometheus/write/v2/types.proto, which agree in these fields; histogram.Validate of Prometheus.
 */
import type { PbfReader } from 'pbf'

/** Reads the message up to `end`. Returns what is wrong with it. */
export function histogramProblem(reader: PbfReader, end: number): string | undefined {
  let count: number | undefined
  let inBuckets = 0
  let sum = 0
  for (let field = reader.nextField(end); field !== 0; field = reader.nextField(end)) {
    if (field === 1) count = reader.readVarint()
    else if (field === 3) sum = reader.readDouble()
    else if (field === 6) inBuckets += reader.readVarint()
    else if (field === 9 || field === 12) inBuckets += bucketTotal(reader.readPackedSVarint())
  }
  if (count === undefined || (Number.isNaN(sum) ? inBuckets <= count : inBuckets === count)) return undefined
  return `a native histogram of ${count} observations with ${inBuckets} in its buckets`
}

/** The first is a count, the others are told by their distance from the one before. */
function bucketTotal(deltas: readonly number[]): number {
  let total = 0
  let bucket = 0
  for (const delta of deltas) {
    bucket += delta
    total += bucket
  }
  return total
}
