/**
 * Samples into records of the `samples` topic: one batch per partition, cut so that each stays far below the broker's limit.
 *
 * A batch whose labels alone are too large is cut between series; otherwise it is cut in time, so that the series of an entity
 * stay together and a reader sees their samples in the order in which they were taken. Cutting in time first would repeat the
 * labels of ten thousand series for every few steps of a history.
 *
 * Sizes are estimates from above: the labels of a series count whole, although a batch stores each text once.
 */
import { encode } from '@lapwing/contracts/codec'
import { bytesOf } from '@lapwing/contracts/columns'
import type { BatchKind, SampleBatch } from '@lapwing/contracts/records'
import { partitionOf } from '@lapwing/contracts/series'
import { buildSeriesTable, keyBytes, type SeriesIdentity } from '@lapwing/contracts/series-table'
import type { SeriesSamples } from './series-samples.ts'

export interface BatchOrigin {
  /** Query id of a poll, or `remote-write`. */
  readonly source: string
  readonly kind: BatchKind
  /** Nominal distance of two samples in milliseconds, 0 when unknown. */
  readonly stepMs: number
}

/** An encoded SampleBatch and the partition it belongs to. */
export interface SampleRecord {
  readonly partition: number
  readonly value: Buffer
}

/** Largest record made, by estimate: half of the broker's usual limit, which is for a whole produce batch. */
export const recordBytesMax = 500_000

/** A batch before it is encoded. */
export interface PartitionedBatch {
  readonly partition: number
  readonly batch: SampleBatch
}

/** The samples as records, oldest first within a series. Series without samples are left out. */
export function sampleRecords(all: readonly SeriesSamples[], origin: BatchOrigin, partitions: number): SampleRecord[] {
  return sampleBatches(all, origin, partitions).map(({ partition, batch }) => ({
    partition,
    value: encode('SampleBatch', batch),
  }))
}

/** As `sampleRecords`, for a reader in the same process. */
export function sampleBatches(all: readonly SeriesSamples[], origin: BatchOrigin, partitions: number): PartitionedBatch[] {
  const byPartition = new Map<number, SeriesSamples[]>()
  for (const one of all) {
    if (one.timestampsMs.length === 0) continue
    const partition = partitionOf(one.series.entity, partitions)
    const group = byPartition.get(partition)
    if (group) group.push(one)
    else byPartition.set(partition, [one])
  }
  return [...byPartition].flatMap(([partition, group]) => cut(group).map((part) => ({ partition, batch: batchOf(part, origin) })))
}

function cut(group: readonly SeriesSamples[]): (readonly SeriesSamples[])[] {
  const identityBytes = sum(group, (one) => identityBytesOf(one.series))
  const sampleBytes = bytesPerSample * sum(group, (one) => one.timestampsMs.length)
  if (identityBytes + sampleBytes <= recordBytesMax) return [group]
  if (group.length > 1 && identityBytes > recordBytesMax / 2) {
    const middle = group.length >>> 1
    return [...cut(group.slice(0, middle)), ...cut(group.slice(middle))]
  }
  const [before, after] = cutInTime(group)
  if (before.length === 0 || after.length === 0) return [group]
  return [...cut(before), ...cut(after)]
}

/** The samples before the middle of the time they span, and those from there on. */
function cutInTime(group: readonly SeriesSamples[]): [SeriesSamples[], SeriesSamples[]] {
  const oldestMs = group.reduce((oldest, one) => Math.min(oldest, one.timestampsMs[0]!), Number.POSITIVE_INFINITY)
  const middleMs = oldestMs + (newestOf(group) - oldestMs) / 2
  const before: SeriesSamples[] = []
  const after: SeriesSamples[] = []
  for (const one of group) {
    const late = one.timestampsMs.findIndex((timestampMs) => timestampMs > middleMs)
    if (late !== 0) before.push(slice(one, 0, late === -1 ? one.timestampsMs.length : late))
    if (late !== -1) after.push(slice(one, late, one.timestampsMs.length))
  }
  return [before, after]
}

function slice({ series, timestampsMs, values, flags }: SeriesSamples, from: number, to: number): SeriesSamples {
  return { series, timestampsMs: timestampsMs.slice(from, to), values: values.slice(from, to), flags: flags.slice(from, to) }
}

function batchOf(group: readonly SeriesSamples[], { source, kind, stepMs }: BatchOrigin): SampleBatch {
  const count = sum(group, (one) => one.timestampsMs.length)
  const timestampsMs = new Float64Array(count)
  const values = new Float64Array(count)
  const flags = new Uint8Array(count)
  const samplesPerSeries = new Uint32Array(group.length)
  let at = 0
  let series = 0
  // Element by element: `set` from a plain array costs more than the copy when a series brings one sample, as it mostly does.
  for (const one of group) {
    samplesPerSeries[series++] = one.timestampsMs.length
    for (let i = 0; i < one.timestampsMs.length; i++, at++) {
      timestampsMs[at] = one.timestampsMs[i]!
      values[at] = one.values[i]!
      flags[at] = one.flags[i]!
    }
  }
  return {
    source,
    kind,
    stepMs,
    newestMs: newestOf(group),
    series: buildSeriesTable(group.map((one) => one.series)),
    samplesPerSeries: bytesOf(samplesPerSeries),
    timestampsMs: bytesOf(timestampsMs),
    values: bytesOf(values),
    flags: bytesOf(flags),
  }
}

/** Timestamp and value of 8 bytes each, one byte of flags. */
const bytesPerSample = 17
/** Both keys, the start of the labels, the number of samples. */
const bytesPerSeries = 2 * keyBytes + 4 + 4
/** Two symbol numbers and two symbol starts of 4 bytes each. */
const bytesPerLabel = 16

/** Of UTF-16, a code unit takes at most three bytes in UTF-8. */
function identityBytesOf({ labels }: SeriesIdentity): number {
  let bytes = bytesPerSeries
  for (const { name, value } of labels) bytes += bytesPerLabel + 3 * (name.length + value.length)
  return bytes
}

function newestOf(group: readonly SeriesSamples[]): number {
  return group.reduce((newest, one) => Math.max(newest, one.timestampsMs.at(-1)!), Number.NEGATIVE_INFINITY)
}

function sum<T>(items: readonly T[], amount: (item: T) => number): number {
  return items.reduce((total, item) => total + amount(item), 0)
}
