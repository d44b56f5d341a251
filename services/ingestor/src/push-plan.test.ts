import { decode } from '@lapwing/contracts/codec'
import { float64Column } from '@lapwing/contracts/columns'
import { sortedLabels } from '@lapwing/contracts/series'
import { identify } from '@lapwing/prometheus/series-samples'
import { describe, expect, test } from 'vitest'
import { aheadMs, newsAgeMs, planPush } from './push-plan.ts'

const nowMs = 1_800_000_000_000
const samplesAt = (...timestampsMs: number[]) => ({
  series: identify(sortedLabels([['__name__', 'up']]), []),
  timestampsMs,
  values: timestampsMs,
  flags: timestampsMs.map(() => 0),
})
const batches = (plan: ReturnType<typeof planPush>) =>
  plan.records.map(({ value }) => {
    const { kind, source, timestampsMs } = decode('SampleBatch', value)
    return { kind, source, timestampsMs: [...float64Column(timestampsMs)] }
  })

describe('the plan of a push', () => {
  test('samples of just the news age are live, older ones history, and history goes first', () => {
    const plan = planPush([samplesAt(nowMs - newsAgeMs - 1, nowMs - newsAgeMs, nowMs)], nowMs, 8)
    expect(batches(plan)).toEqual([
      { kind: 'history', source: 'remote-write', timestampsMs: [nowMs - newsAgeMs - 1] },
      { kind: 'live', source: 'remote-write', timestampsMs: [nowMs - newsAgeMs, nowMs] },
    ])
    expect(plan).toMatchObject({ history: 1, live: 2, fromTheFuture: 0, newestMs: nowMs })
  })

  test('samples from too far ahead are left out, the others go on', () => {
    const plan = planPush([samplesAt(nowMs + aheadMs - 1, nowMs + aheadMs, nowMs + 10 * aheadMs)], nowMs, 8)
    expect(batches(plan)).toEqual([{ kind: 'live', source: 'remote-write', timestampsMs: [nowMs + aheadMs - 1] }])
    expect(plan.fromTheFuture).toBe(2)
  })

  test('nothing makes no records', () => {
    expect(planPush([], nowMs, 8)).toMatchObject({ records: [], live: 0, history: 0, fromTheFuture: 0 })
    expect(planPush([samplesAt()], nowMs, 8).records).toEqual([])
  })
})
