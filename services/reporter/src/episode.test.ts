import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anomaly } from '../testing/records.ts'
import { type Episode, foldAnomaly } from './episode.ts'

const fold = (records: Parameters<typeof foldAnomaly>[1][]) =>
  records.reduce((episode: Episode | undefined, record) => foldAnomaly(episode, record), undefined)

const opened = anomaly({
  id: '1',
  episodeId: 'e',
  state: 'open',
  severity: 'warning',
  startedAtMs: 100,
  observedAtMs: 200,
  value: 8,
  score: 1.4,
})
const escalated = {
  ...opened,
  id: '2',
  state: 'escalated' as const,
  severity: 'critical' as const,
  observedAtMs: 300,
  value: 20,
  score: 3,
}
const resolved = {
  ...opened,
  id: '3',
  state: 'resolved' as const,
  observedAtMs: 500,
  endedAtMs: 450,
  value: 2,
  score: 4,
  peakScore: 3,
}

describe('episode', () => {
  test('is shown by its worst moment, also after its end', () => {
    expect(fold([opened, escalated, resolved])).toMatchObject({
      state: 'resolved',
      severity: 'critical',
      endedAtMs: 450,
      endReason: 'normal_again',
      observedAtMs: 500,
      worst: { recordId: '2', value: 20 },
    })
  })

  test('is the same in whatever order its records come, and however often', () => {
    const records = fc.array(
      fc.record({
        id: fc.constantFrom('a', 'b', 'c', 'd'),
        state: fc.constantFrom('open' as const, 'escalated' as const, 'resolved' as const),
        severity: fc.constantFrom('info' as const, 'warning' as const, 'critical' as const),
        observedAtMs: fc.nat(1000),
        score: fc.nat(5),
        endedAtMs: fc.constantFrom(998, 999),
        endReason: fc.constantFrom('', 'began_anew'),
      }),
      { minLength: 1, maxLength: 6 },
    )
    fc.assert(
      fc.property(records, fc.infiniteStream(fc.nat()), (given, order) => {
        const history = given.map((one, i) =>
          anomaly({ ...one, id: `${one.id}${i}`, episodeId: 'e', endedAtMs: one.state === 'resolved' ? one.endedAtMs : null }),
        )
        const shuffled = [...history, ...history]
          .map((record) => ({ record, rank: order.next().value as number }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ record }) => record)
        expect(fold(shuffled)).toEqual(fold(history))
      }),
    )
  })
})
