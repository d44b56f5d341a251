/** A decoded remote-write request series by series, as tests like to look at it. */
import type { LabelSet } from '@lapwing/contracts/series'
import type { SeriesIdentity } from '@lapwing/contracts/series-table'
import type { DecodedWrite } from '../src/remote-write-decoder.ts'

export interface WrittenSeries {
  readonly series: WrittenIdentity
  readonly timestampsMs: readonly number[]
  readonly values: readonly number[]
  readonly flags: readonly number[]
}

/** Keys in hexadecimal digits. */
export interface WrittenIdentity {
  readonly key: string
  readonly entity: string
  readonly labels: LabelSet
}

export function writtenSeries({ series, ends, samples }: DecodedWrite): WrittenSeries[] {
  return series.map((identity, i) => {
    const column = (all: Float64Array | Uint8Array) => [...all.subarray(ends[i - 1] ?? 0, ends[i])]
    const { timestampsMs, values, flags } = samples
    return {
      series: writtenIdentity(identity),
      timestampsMs: column(timestampsMs),
      values: column(values),
      flags: column(flags),
    }
  })
}

/** Of two identities that are the same, the same. */
export function writtenIdentity({ key, entity, labels }: SeriesIdentity): WrittenIdentity {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  return { key: hex(key), entity: hex(entity), labels }
}
