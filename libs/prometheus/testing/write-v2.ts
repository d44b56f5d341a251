/** A remote-write 2.0 request, with what Prometheus may put beside the samples. */
import type { LabelSet } from '@lapwing/contracts/series'
import { PbfWriter } from 'pbf'
import { compressSync } from 'snappy'

export interface SeriesV2 {
  readonly labels: LabelSet
  readonly samples?: readonly (readonly [timestampMs: number, value: number])[]
  readonly histograms?: number
  readonly exemplars?: number
  /** The histograms claim one observation more than their buckets hold. */
  readonly miscounted?: boolean
  /** Where the time stands at which the series began: on the series (until rc.3), on each sample (since rc.4), or nowhere. */
  readonly start?: 'series' | 'sample'
  /** Instead of the numbers of the labels. */
  readonly refs?: readonly number[]
}

export function encodeWriteV2(all: readonly SeriesV2[], symbols = ['']): Buffer {
  const numbers = new Map(symbols.map((text, i) => [text, i]))
  const numberOf = (text: string) => {
    if (!numbers.has(text)) numbers.set(text, numbers.size)
    return numbers.get(text)!
  }
  const refs = all.map((one) => one.refs ?? one.labels.flatMap(({ name, value }) => [numberOf(name), numberOf(value)]))
  const writer = new PbfWriter()
  for (const text of numbers.keys()) writer.writeBytesField(4, Buffer.from(text))
  for (const [i, one] of all.entries()) writer.writeMessage(5, writeSeries, { one, refs: refs[i]! })
  return compressSync(writer.finish())
}

function writeSeries({ one, refs }: { one: SeriesV2; refs: readonly number[] }, writer: PbfWriter): void {
  writer.writePackedVarint(1, [...refs])
  for (const [timestampMs, value] of one.samples ?? []) {
    writer.writeMessage(
      2,
      (_, sample) => {
        sample.writeDoubleField(1, value)
        sample.writeVarintField(2, timestampMs)
        if (one.start === 'sample') sample.writeVarintField(3, startMs)
      },
      undefined,
    )
  }
  for (let i = 0; i < (one.histograms ?? 0); i++) writer.writeMessage(3, writeHistogram, one.miscounted ? 13 : 12)
  for (let i = 0; i < (one.exemplars ?? 0); i++) writer.writeMessage(4, (_, field) => field.writeDoubleField(2, 1), undefined)
  if (one.start === 'series') writer.writeVarintField(6, startMs)
}

/** 5 + 6 observations in two buckets, and one at zero. */
function writeHistogram(count: number, writer: PbfWriter): void {
  writer.writeVarintField(1, count)
  writer.writeDoubleField(3, 70)
  writer.writeVarintField(6, 1)
  writer.writePackedSVarint(12, [5, 1])
}

const startMs = 1_699_999_000_000
