import { decode } from '@lapwing/contracts/codec'
import { float64Column } from '@lapwing/contracts/columns'
import { sortedLabels } from '@lapwing/contracts/series'
import { SampleColumns } from '@lapwing/prometheus/sample-columns'
import { identify } from '@lapwing/prometheus/series-samples'
import { describe, expect, test } from 'vitest'
import { aheadMs, newsAgeMs, PushBatches } from './push-batches.ts'

const nowMs = 1_800_000_000_000

/** What becomes of one request with one series. */
function planOf(...timestampsMs: number[]) {
  const samples = new SampleColumns()
  for (const timestampMs of timestampsMs) samples.push(timestampMs, timestampMs, 0)
  const series = timestampsMs.length > 0 ? [identify(sortedLabels([['__name__', 'up']]), [])] : []
  const batches = new PushBatches(8)
  const counts = batches.add({ series, ends: series.map(() => samples.length), samples }, nowMs)
  return { counts, records: batches.takeRecords().map(read) }
}

function read({ value }: { readonly value: Buffer }) {
  const { kind, source, timestampsMs } = decode('SampleBatch', value)
  return { kind, source, timestampsMs: [...float64Column(timestampsMs)] }
}

describe('requests on their way into records', () => {
  test('samples of just the news age are live, older ones history, and history goes first', () => {
    const { counts, records } = planOf(nowMs - newsAgeMs - 1, nowMs - newsAgeMs, nowMs)
    expect(records).toEqual([
      { kind: 'history', source: 'remote-write', timestampsMs: [nowMs - newsAgeMs - 1] },
      { kind: 'live', source: 'remote-write', timestampsMs: [nowMs - newsAgeMs, nowMs] },
    ])
    expect(counts).toEqual({ history: 1, live: 2, fromTheFuture: 0, newestMs: nowMs })
  })

  test('samples from too far ahead are left out, the others go on', () => {
    const { counts, records } = planOf(nowMs + aheadMs - 1, nowMs + aheadMs, nowMs + 10 * aheadMs)
    expect(records).toEqual([{ kind: 'live', source: 'remote-write', timestampsMs: [nowMs + aheadMs - 1] }])
    expect(counts.fromTheFuture).toBe(2)
  })

  test('nothing makes no records', () => {
    expect(planOf()).toMatchObject({ records: [], counts: { live: 0, history: 0, fromTheFuture: 0 } })
  })

  test('requests that come together share the records of their partitions', () => {
    const batches = new PushBatches(1)
    for (const name of ['up', 'load', 'up']) {
      const samples = new SampleColumns()
      samples.push(nowMs, 1, 0)
      batches.add({ series: [identify(sortedLabels([['__name__', name]]), [])], ends: [1], samples }, nowMs)
    }
    expect(batches.takeRecords().map(read)).toEqual([
      { kind: 'live', source: 'remote-write', timestampsMs: [nowMs, nowMs, nowMs] },
    ])
    expect(batches.takeRecords()).toEqual([])
  })
})
