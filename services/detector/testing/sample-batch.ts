/** Sample batches for tests: one record as the ingestor would write it. */
import { encode } from '@lapwing/contracts/codec'
import { bytesOf } from '@lapwing/contracts/columns'
import type { BatchKind } from '@lapwing/contracts/records'
import { sortedLabels } from '@lapwing/contracts/series'
import { buildSeriesTable, seriesIdentity } from '@lapwing/contracts/series-table'
import type { LogRecord } from '@lapwing/stream/log'

export interface TestSeries {
  readonly labels: Readonly<Record<string, string>>
  readonly samples: readonly (readonly [timestampMs: number, value: number, flags?: number])[]
}

export function sampleRecord(
  series: readonly TestSeries[],
  { offset = 0n, kind = 'live' as BatchKind, stepMs = 15_000 } = {},
): LogRecord {
  const samples = series.flatMap((one) => one.samples)
  const value = encode('SampleBatch', {
    source: 'test',
    kind,
    stepMs,
    newestMs: Math.max(...samples.map(([timestampMs]) => timestampMs)),
    series: buildSeriesTable(series.map((one) => seriesIdentity(sortedLabels(Object.entries(one.labels)), ['instance']))),
    samplesPerSeries: bytesOf(Uint32Array.from(series, (one) => one.samples.length)),
    timestampsMs: bytesOf(Float64Array.from(samples, ([timestampMs]) => timestampMs)),
    values: bytesOf(Float64Array.from(samples, ([, sample]) => sample)),
    flags: bytesOf(Uint8Array.from(samples, ([, , flags]) => flags ?? 0)),
  })
  return { topic: 'samples', partition: 3, offset, timestampMs: 0, key: null, value, headers: new Map() }
}
