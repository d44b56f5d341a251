/** What stands on the samples topic, sample by sample. */
import { decode } from '@lapwing/contracts/codec'
import { float64Column, uint32Column } from '@lapwing/contracts/columns'
import type { BatchKind } from '@lapwing/contracts/records'
import { seriesText } from '@lapwing/contracts/series'
import { labelReader } from '@lapwing/contracts/series-table'
import type { Log } from '@lapwing/stream/log'

export interface ReadSample {
  readonly series: string
  readonly kind: BatchKind
  readonly source: string
  readonly timestampMs: number
  readonly value: number
  readonly flag: number
}

/** All samples, in the order of the log within a partition. */
export async function readSamples(log: Log, topic: string): Promise<ReadSample[]> {
  const records = await log.readToEnd(topic)
  return records.flatMap(({ value }) => {
    const batch = decode('SampleBatch', value!)
    const labels = labelReader(batch.series)
    const timestampsMs = float64Column(batch.timestampsMs)
    const values = float64Column(batch.values, timestampsMs.length)
    const owners = [...uint32Column(batch.samplesPerSeries)].flatMap((count, i) =>
      Array<string>(count).fill(seriesText(labels(i))),
    )
    return owners.map((series, i) => ({
      series,
      kind: batch.kind,
      source: batch.source,
      timestampMs: timestampsMs[i]!,
      value: values[i]!,
      flag: batch.flags[i]!,
    }))
  })
}
