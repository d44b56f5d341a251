/**
 * Remote write 1.0, sending side: samples to the body of a request.
 *
 * Source: Prometheus Remote-Write specification 1.0; prompb/types.proto.
 */
import type { Label } from '@lapwing/contracts/records'
import type { LabelSet } from '@lapwing/contracts/series'
import { sampleFlags } from '@lapwing/contracts/series-state'
import { PbfWriter } from 'pbf'
import { compressSync } from 'snappy'
import { staleMarkerHigh, staleMarkerLow } from './staleness.ts'

export interface WriteSeries {
  /** Sorted, with `__name__`. */
  readonly labels: LabelSet
  /** Milliseconds since the epoch, rising. */
  readonly timestampsMs: readonly number[]
  readonly values: readonly number[]
  /** `sampleFlags` of each sample; a stale one is sent as the marker, whatever its value. */
  readonly flags: readonly number[]
}

/** What a receiver must be told about the body. */
export const writeHeaders = {
  'content-type': 'application/x-protobuf',
  'content-encoding': 'snappy',
  'x-prometheus-remote-write-version': '0.1.0',
} as const

/** A WriteRequest as a snappy block. */
export function encodeWrite(series: readonly WriteSeries[]): Buffer {
  const writer = new PbfWriter()
  for (const one of series) writer.writeMessage(1, writeSeries, one)
  return compressSync(writer.finish())
}

function writeSeries({ labels, timestampsMs, values, flags }: WriteSeries, writer: PbfWriter): void {
  for (const label of labels) writer.writeMessage(1, writeLabel, label)
  timestampsMs.forEach((timestampMs, i) => {
    writer.writeMessage(2, writeSample, { timestampMs, value: values[i]!, flag: flags[i]! })
  })
}

function writeLabel({ name, value }: Label, writer: PbfWriter): void {
  writeText(1, name, writer)
  writeText(2, value, writer)
}

/** Not `writeString`: pbf 5.1.2 loses the upper bits of some characters outside the basic plane (U+20000 arrives as U+10000). */
function writeText(field: number, text: string, writer: PbfWriter): void {
  writer.writeTag(field, bytesType)
  writer.writeBytes(Buffer.from(text))
}

function writeSample(
  { timestampMs, value, flag }: { timestampMs: number; value: number; flag: number },
  writer: PbfWriter,
): void {
  writer.writeTag(1, doubleType)
  if (flag === sampleFlags.stale) {
    writer.writeFixed32(staleMarkerLow)
    writer.writeFixed32(staleMarkerHigh)
  } else writer.writeDouble(value)
  writer.writeTag(2, varintType)
  writer.writeVarint(timestampMs)
}

const varintType = 0
const doubleType = 1
const bytesType = 2
