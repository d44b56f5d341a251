import { decode } from '@lapwing/contracts/codec'
import { float64Column, uint32Column } from '@lapwing/contracts/columns'
import { sortedLabels } from '@lapwing/contracts/series'
import { labelReader } from '@lapwing/contracts/series-table'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BatchLane } from './batch-lane.ts'
import { recordBytesMax } from './sample-batches.ts'
import { SampleColumns } from './sample-columns.ts'
import { identify } from './series-samples.ts'

const origin = { source: 'remote-write', kind: 'live', stepMs: 0 } as const

function seriesNamed(name: string) {
  return identify(sortedLabels([['__name__', name]]), [])
}

function columnsOf(count: number, firstMs: number): SampleColumns {
  const samples = new SampleColumns()
  for (let i = 0; i < count; i++) samples.push(firstMs + i, i / 3, i % 2)
  return samples
}

/** `name timestamp value flag` of each sample. */
function rows(value: Buffer): string[] {
  const batch = decode('SampleBatch', value)
  const [timestampsMs, values] = [float64Column(batch.timestampsMs), float64Column(batch.values)]
  const labels = labelReader(batch.series)
  const names = [...uint32Column(batch.samplesPerSeries)].flatMap((count, i) => Array<string>(count).fill(labels(i)[0]!.value))
  return names.map((name, i) => `${name} ${timestampsMs[i]} ${values[i]} ${batch.flags[i]}`)
}

describe('a lane of batches', () => {
  test('nothing is lost, repeated or reordered, and every record is small enough', () => {
    const one = fc.record({ name: fc.string({ maxLength: 5000 }), count: fc.integer({ min: 1, max: 40_000 }) })
    fc.assert(
      fc.property(fc.array(one, { maxLength: 5 }), (requests) => {
        const lane = new BatchLane(origin)
        const expected: string[] = []
        requests.forEach(({ name, count }, request) => {
          const samples = columnsOf(count, request * 1_000_000)
          lane.add(seriesNamed(name), samples, 0, count)
          for (let i = 0; i < count; i++) expected.push(`${name} ${request * 1_000_000 + i} ${i / 3} ${i % 2}`)
        })
        const records = lane.takeRecords()
        expect(records.every(({ length }) => length <= recordBytesMax)).toBe(true)
        expect(records.flatMap(rows)).toEqual(expected)
        expect(lane.takeRecords()).toEqual([])
      }),
      { numRuns: 20 },
    )
  }, 30_000)

  test('a part of the columns is taken, and the newest time is that of the record', () => {
    const lane = new BatchLane(origin)
    lane.add(seriesNamed('up'), columnsOf(10, 5000), 2, 4)
    lane.add(seriesNamed('load'), columnsOf(10, 4000), 0, 1)
    const [record] = lane.takeRecords()
    expect(rows(record!)).toEqual(['up 5002 0.6666666666666666 0', 'up 5003 1 1', 'load 4000 0 0'])
    expect(decode('SampleBatch', record!)).toMatchObject({ newestMs: 5003, source: 'remote-write', kind: 'live' })
  })
})
