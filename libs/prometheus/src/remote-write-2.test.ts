import { sortedLabels } from '@lapwing/contracts/series'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pushRules } from '../testing/push-rules.ts'
import { encodeWriteV2, type SeriesV2 } from '../testing/write-v2.ts'
import { writtenSeries } from '../testing/written-series.ts'
import { createWriteDecoder } from './remote-write-decoder.ts'
import { encodeWrite } from './remote-write-encoder.ts'

const decode = (body: Uint8Array, version: '1.0' | '2.0') => {
  const decoded = createWriteDecoder(pushRules).decode(body, version)
  return { ...decoded, series: writtenSeries(decoded) }
}
const labelsOf = (name: string) =>
  sortedLabels([
    ['__name__', name],
    ['instance', 'host-1:9100'],
  ])
const up: SeriesV2 = { labels: labelsOf('up'), samples: [[1_700_000_000_000, 1.5]] }

describe('remote write 2.0', () => {
  test('gives the same series and samples as 1.0', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 })
    const labels = fc
      .array(fc.tuple(text, text), { maxLength: 6 })
      .map((pairs) => sortedLabels([...pairs, ['__name__', 'metric']]))
    const samples = fc.uniqueArray(
      fc.tuple(fc.integer({ min: 0, max: 8.64e15 }), fc.double({ noNaN: true, noDefaultInfinity: true })),
      {
        selector: ([timestampMs]) => timestampMs,
        minLength: 1,
        maxLength: 4,
      },
    )
    const one = fc.record({ labels, samples: samples.map((all) => all.sort(([a], [b]) => a - b)) })
    fc.assert(
      fc.property(fc.uniqueArray(one, { selector: (each) => JSON.stringify(each.labels), maxLength: 5 }), (all) => {
        const first = encodeWrite(
          all.map((each) => ({
            labels: each.labels,
            timestampsMs: each.samples.map(([timestampMs]) => timestampMs),
            values: each.samples.map(([, value]) => value),
            flags: each.samples.map(() => 0),
          })),
        )
        expect(decode(encodeWriteV2(all), '2.0')).toMatchObject({
          series: decode(first, '1.0').series,
          firstProblem: undefined,
        })
      }),
    )
  })

  test.each(['series', 'sample'] as const)('the start on the %s is skipped', (start) => {
    expect(decode(encodeWriteV2([{ ...up, start }]), '2.0').series).toEqual(decode(encodeWriteV2([up]), '2.0').series)
  })

  test('native histograms and exemplars are counted', () => {
    const body = encodeWriteV2([
      { ...up, exemplars: 2 },
      { labels: labelsOf('latency'), histograms: 3, exemplars: 1 },
    ])
    expect(decode(body, '2.0')).toMatchObject({ histograms: 3, exemplars: 3, firstProblem: undefined })
  })

  test('a native histogram that counts more than its buckets hold is left out and told of', () => {
    const decoded = decode(encodeWriteV2([{ ...up, histograms: 2, miscounted: true }]), '2.0')
    expect(decoded.firstProblem).toBe('a native histogram of 13 observations with 12 in its buckets')
    expect(decoded).toMatchObject({ histograms: 0, series: [{ values: [1.5] }] })
  })

  test('samples that are no number go with the series that is left out', () => {
    const nameless: SeriesV2 = {
      labels: sortedLabels([['instance', 'a']]),
      samples: [
        [1, Number.NaN],
        [2, 1],
      ],
    }
    expect(decode(encodeWriteV2([nameless]), '2.0')).toMatchObject({ left: { not_finite: 0, invalid: 2 } })
  })

  test.each([
    ['a label that refers to no symbol', [1, 2, 3, 99]],
    ['a label name without a value', [1, 2, 3]],
    ['a series without a metric name', []],
    ['a series without a metric name', [3, 4]],
    ['label __name__ twice', [1, 2, 1, 4]],
    ['a label without a name', [1, 2, 0, 4]],
  ])('%s costs that series, with all that is in it, not its neighbours', (problem, refs) => {
    const symbols = ['', '__name__', 'load', 'instance', 'host-1:9100']
    const decoded = decode(encodeWriteV2([{ ...up, refs, histograms: 1, exemplars: 1 }, up], symbols), '2.0')
    expect(decoded).toMatchObject({ left: { invalid: 1 }, firstProblem: problem, histograms: 0, exemplars: 0 })
    expect(decoded.series.map(({ values }) => values)).toEqual([[1.5]])
  })

  test('a body sent as that of the other version is malformed, not empty', () => {
    expect(() => decode(encodeWriteV2([up]), '1.0')).toThrow('it is one of 2.0')
    const first = encodeWrite([{ labels: labelsOf('up'), timestampsMs: [1], values: [1], flags: [0] }])
    expect(() => decode(first, '2.0')).toThrow('it is one of 1.0')
  })

  test('symbols that do not begin with the empty one are malformed', () => {
    expect(() => decode(encodeWriteV2([up], ['up']), '2.0')).toThrow('its first symbol is not empty')
  })
})
