import { decode } from '@lapwing/contracts/codec'
import { float64Column, uint32Column } from '@lapwing/contracts/columns'
import { partitionOf, sortedLabels } from '@lapwing/contracts/series'
import { keyText, labelReader, seriesCount } from '@lapwing/contracts/series-table'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { recordBytesMax, type SampleRecord, sampleRecords } from './sample-batches.ts'
import { identify, type SeriesSamples } from './series-samples.ts'

const origin = { source: 'query-1', kind: 'live', stepMs: 1000 } as const

function samplesOf(name: string, instance: string, count: number): SeriesSamples {
  const timestampsMs = Array.from({ length: count }, (_, i) => 1_000_000 + i * 1000)
  const labels = sortedLabels([
    ['__name__', name],
    ['instance', instance],
  ])
  return {
    series: identify(labels, ['instance']),
    timestampsMs,
    values: timestampsMs.map((_, i) => i / 3),
    flags: timestampsMs.map((_, i) => i % 2),
  }
}

/** `key timestamp value flag` of every sample in the records, in order. */
function rows(records: readonly SampleRecord[]): string[] {
  return records.flatMap(({ value }) => {
    const batch = decode('SampleBatch', value)
    const perSeries = uint32Column(batch.samplesPerSeries, seriesCount(batch.series))
    const timestampsMs = float64Column(batch.timestampsMs)
    const values = float64Column(batch.values, timestampsMs.length)
    const keys = [...perSeries].flatMap((count, i) => Array<string>(count).fill(keyText(batch.series, i)))
    return keys.map((key, i) => `${key} ${timestampsMs[i]} ${values[i]} ${batch.flags[i]}`)
  })
}
/** Sorted by series and otherwise left in order. */
const bySeries = (all: readonly string[]) =>
  all.toSorted((a, b) => (a.slice(0, 32) < b.slice(0, 32) ? -1 : a.slice(0, 32) > b.slice(0, 32) ? 1 : 0))
const rowsOf = ({ series, timestampsMs, values, flags }: SeriesSamples) =>
  timestampsMs.map((timestampMs, i) => `${Buffer.from(series.key).toString('hex')} ${timestampMs} ${values[i]} ${flags[i]}`)

describe('sample batches', () => {
  test('one record for each partition, with what a reader needs to know', () => {
    const all = [samplesOf('up', 'a', 2), samplesOf('load', 'a', 1), samplesOf('up', 'b', 3)]
    const records = sampleRecords(all, origin, 8)
    const partitions = all.map((one) => partitionOf(one.series.entity, 8))
    expect(new Set(records.map((record) => record.partition))).toEqual(new Set(partitions))
    const batch = decode('SampleBatch', records[0]!.value)
    expect(batch).toMatchObject({ source: 'query-1', kind: 'live', stepMs: 1000, newestMs: 1_001_000 })
    expect(labelReader(batch.series)(0)).toEqual(all[0]!.series.labels)
  })

  test('series without samples leave nothing', () => {
    expect(sampleRecords([samplesOf('up', 'a', 0)], origin, 8)).toEqual([])
  })

  test('a long history is cut in time, with all series of an entity in each part', () => {
    const all = [samplesOf('up', 'a', 40_000), samplesOf('load', 'a', 40_000)]
    const records = sampleRecords(all, origin, 8)
    expect(records.length).toBeGreaterThan(2)
    for (const { value } of records) expect(seriesCount(decode('SampleBatch', value).series)).toBe(2)
  })

  test('very many series are cut between series, so that labels are not repeated for each step', () => {
    const all = Array.from({ length: 9000 }, (_, i) => samplesOf(`metric_${i}`, 'a', 3))
    const records = sampleRecords(all, origin, 8)
    const tables = records.reduce((total, { value }) => total + seriesCount(decode('SampleBatch', value).series), 0)
    expect(tables).toBe(9000)
  })

  test('nothing is lost, repeated or out of order within a series, and every record is small enough', () => {
    const one = fc.record({
      metric: fc.string({ maxLength: 2000 }),
      instance: fc.constantFrom('a', 'b', 'c'),
      count: fc.nat({ max: 30_000 }),
    })
    const some = fc.uniqueArray(one, { selector: ({ metric, instance }) => `${instance} ${metric}`, maxLength: 6 })
    fc.assert(
      fc.property(some, (chosen) => {
        const all = chosen.map(({ metric, instance, count }) => samplesOf(metric, instance, count))
        const records = sampleRecords(all, origin, 2)
        for (const { value } of records) expect(value.length).toBeLessThan(recordBytesMax)
        expect(bySeries(rows(records))).toEqual(bySeries(all.flatMap(rowsOf)))
      }),
      { numRuns: 20 },
    )
  })
})
