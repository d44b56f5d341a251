/** The checker's decision by itself: each promise, broken by hand in the records of a run without faults. */
import { decode, encode } from '@lapwing/contracts/codec'
import { detectorSchema } from '@lapwing/detector/config'
import type { LogRecord } from '@lapwing/stream/log'
import { describe, expect, test } from 'vitest'
import { type Membership, needlessMoves, needlessRestores } from './checker/needless-restores.ts'
import { type RunRecords, readOutcome } from './checker/outcome.ts'
import { repeatsBound } from './checker/repeats-bound.ts'
import { scoreInMemory } from './checker/replay.ts'
import { markersGoingBack, stateProblems } from './checker/state-check.ts'
import { judge } from './checker/verdict.ts'
import { sampleIds } from './harness/sender.ts'
import { asRecords, roundOf } from './harness/workload.ts'

const requests = Array.from({ length: 250 }, (_, round) => roundOf(round, 1_700_000_000_000))
const calm = scoreInMemory(asRecords(requests), detectorSchema.parse({ window_minutes: 5 }))
const faultFree = readOutcome(calm)

const violations = (records: Partial<RunRecords>, bound = 0) =>
  judge(readOutcome({ ...calm, ...records }), { faultFree, acknowledged: sampleIds(requests), repeatsBound: bound }).violations
const without = (records: readonly LogRecord[], at: number) => records.filter((_, i) => i !== at)

describe('the verdict', () => {
  test('on a run without faults is that everything holds', () => {
    expect(faultFree.learned.size).toBe(sampleIds(requests).size)
    expect(faultFree.anomalies.size).toBeGreaterThan(10)
    expect(violations({})).toEqual([])
  })

  test('on a sample that was acknowledged and is not on its topic', () => {
    expect(violations({ samples: without(calm.samples, 100) })[0]).toMatch(/^I1 acknowledged samples are not on/)
  })

  test('on a sample record without an answer', () => {
    expect(violations({ scores: without(calm.scores, 100) })[0]).toMatch(/^I1 sample records have neither scores nor/)
  })

  test('on a score that is one bit off, and on a copy that is', () => {
    const [wrong, ...others] = calm.scores
    const batch = decode('ScoreBatch', wrong!.value!)
    const expected = Buffer.from(batch.expected)
    expected[0]! ^= 1
    const off = { ...wrong!, value: encode('ScoreBatch', { ...batch, expected }) }
    expect(violations({ scores: [off, ...others] })[0]).toMatch(/^I2 scores are missing or differ/)
    expect(violations({ scores: [...calm.scores, off] }, 1)).toEqual([
      expect.stringMatching(/^I1 score records of one sample record differ/),
    ])
  })

  test('on an anomaly too few, and one too many', () => {
    expect(violations({ anomalies: without(calm.anomalies, 0) })).toEqual([
      expect.stringMatching(/^I3 anomalies are missing: 1 \([0-9a-f]{32}: load\{.+ open at 20.+, of 20.+, \w+\)$/),
    ])
    const anomaly = decode('Anomaly', calm.anomalies[0]!.value!)
    const extra = { ...calm.anomalies[0]!, value: encode('Anomaly', { ...anomaly, id: 'f'.repeat(32) }) }
    expect(violations({ anomalies: [...calm.anomalies, extra] })).toEqual([expect.stringMatching(/^I3 anomalies are extra/)])
  })

  test('on repetitions: as many as the bound, and one more', () => {
    const repeated = [...calm.scores, ...calm.scores.slice(0, 5)]
    expect(violations({ scores: repeated }, 5)).toEqual([])
    expect(violations({ scores: repeated }, 4)).toEqual(['I3 5 score records were repeated, at most 4 may be'])
  })
})

test('the bound is what a partition writes in an interval and two seconds, for each take-over', () => {
  const scores = [0, 1000, 2999, 3000, 9000].map((timestampMs) => ({ ...calm.scores[0]!, partition: 1, timestampMs }))
  expect(repeatsBound(scores, [{ partition: 1, restored: true }], 1000)).toBe(4)
  expect(
    repeatsBound(
      scores,
      [
        { partition: 1, restored: true },
        { partition: 1, restored: false },
      ],
      1000,
    ),
  ).toBe(9)
  expect(repeatsBound(scores, [{ partition: 2, restored: true }], 1000)).toBe(0)
})

test('a marker that goes back, and a state that ends before its samples', () => {
  const marker = (offset: bigint, sourceOffset: number): LogRecord => ({
    ...calm.samples[0]!,
    partition: 0,
    offset,
    key: Buffer.from('checkpoint of this partition'),
    value: encode('StateMarker', {
      version: 1,
      configHash: 'c',
      sourceOffset,
      keyCount: 0,
      digest: digestOfNothing,
      sidePositions: [],
    }),
  })
  expect(markersGoingBack([marker(0n, 5), marker(1n, 5), marker(2n, 9)])).toEqual([])
  expect(markersGoingBack([marker(0n, 5), marker(1n, 4)])).toEqual(['state goes back from 5 to 4 at partition 0, offset 1'])
  expect(stateProblems([marker(0n, 5)], [6n])).toEqual([])
  expect(stateProblems([marker(0n, 5)], [7n])).toEqual(['state of partition 0 ends at 5, its samples at 6'])
  expect(stateProblems([], [7n])).toEqual(['state of partition 0 has no marker'])
})

describe('a partition that a process restores again', () => {
  const member = (
    takeOvers: [partition: number, atMs: number][],
    givenUp: [silentForMs: number, atMs: number][] = [],
  ): Membership => ({
    takeOvers: takeOvers.map(([partition, atMs]) => ({ partition, atMs, restored: true })),
    givenUp: givenUp.map(([silentForMs, atMs]) => ({ silentForMs, atMs })),
  })
  const twice: [number, number][] = [
    [3, 1000],
    [2, 1000],
    [3, 50_000],
  ]
  const red = ['detector 0 restored partition 3 twice']

  test('is needless when nothing happened to its process', () => {
    expect(needlessRestores([member(twice)])).toEqual(red)
  })

  test('is right when the group had given its process up in between, for having heard nothing for a lease', () => {
    expect(needlessRestores([member(twice, [[15_000, 49_000]])])).toEqual([])
    expect(needlessRestores([member(twice, [[15_000, 51_000]])])).toEqual(red)
    expect(needlessRestores([member(twice, [[1000, 49_000]])])).toEqual(red)
  })

  test('is right when another had it in between: it went to one that joined, and came back when that one left', () => {
    expect(needlessRestores([member(twice), member([[3, 20_000]])])).toEqual([])
    expect(needlessRestores([member(twice), member([[2, 20_000]], [[15_000, 30_000]])])).toEqual(red)
  })

  test('that only went to and fro shows in how many moved', () => {
    const toAndFro = [member(twice), member([[3, 20_000]])]
    expect(needlessMoves(toAndFro, 2, 4)).toEqual([expect.stringMatching(/^\d partitions were taken over, 2 are enough$/)])
  })

  test('may move once more for each member that was given up', () => {
    expect(needlessMoves([member(twice)], 3, 4)).toEqual([])
    expect(needlessMoves([member(twice)], 2, 4)).toEqual(['3 partitions were taken over, 2 are enough'])
    expect(needlessMoves([member(twice, [[15_000, 49_000]])], 2, 4)).toEqual([])
    expect(needlessMoves([member(twice, [[1000, 49_000]])], 2, 4)).toEqual(['3 partitions were taken over, 2 are enough'])
  })
})

const digestOfNothing = 'e3b0c44298fc1c149afbf4c8996fb924'
