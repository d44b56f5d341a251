/** A decoded remote-write request series by series, as tests like to look at it. */
import type { DecodedWrite } from '../src/remote-write-decoder.ts'
import type { SeriesSamples } from '../src/series-samples.ts'

export function writtenSeries({ series, ends, samples }: DecodedWrite): SeriesSamples[] {
  return series.map((identity, i) => {
    const column = (all: Float64Array | Uint8Array) => [...all.subarray(ends[i - 1] ?? 0, ends[i])]
    const { timestampsMs, values, flags } = samples
    return { series: identity, timestampsMs: column(timestampsMs), values: column(values), flags: column(flags) }
  })
}
