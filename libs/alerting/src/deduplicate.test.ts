import type { Anomaly } from '@lapwing/contracts/records'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Episode, learn, noveltyOf } from './deduplicate.ts'

const record = (id: string, differences: Partial<Anomaly> = {}): Anomaly =>
  ({
    id,
    episodeId: 'episode',
    state: 'open',
    severity: 'warning',
    startedAtMs: 100,
    observedAtMs: 160,
    endedAtMs: null,
    ...differences,
  }) as Anomaly

const opened = record('opened')
const escalated = record('escalated', { state: 'escalated', severity: 'critical' })
const resolved = record('resolved', { state: 'resolved', severity: 'critical', endedAtMs: 300 })
const after = (...records: Anomaly[]) =>
  records.reduce<Episode | undefined>((episode, anomaly) => learn(anomaly, episode), undefined)

describe('a record', () => {
  test('that opens, escalates or resolves is news', () => {
    expect(noveltyOf(opened, undefined)).toBe('news')
    expect(noveltyOf(escalated, after(opened))).toBe('news')
    expect(noveltyOf(resolved, after(opened, escalated))).toBe('news')
  })

  test('sent twice is repeated, whatever came between', () => {
    expect(noveltyOf(opened, after(opened, escalated, resolved))).toBe('repeated')
  })

  test('that says what another one said is already true', () => {
    expect(noveltyOf(record('other'), after(opened))).toBe('already_true')
    expect(noveltyOf(record('lower', { severity: 'info' }), after(opened))).toBe('already_true')
    expect(noveltyOf(record('late'), after(resolved))).toBe('already_true')
  })

  test('about an episode that a later one replaced is outdated', () => {
    const later = after(record('next', { episodeId: 'next', startedAtMs: 500 }))
    expect(noveltyOf(opened, later)).toBe('outdated')
    expect(noveltyOf(record('newest', { episodeId: 'newest', startedAtMs: 900 }), later)).toBe('news')
  })

  test('without an end time ends its episode when it was observed', () => {
    expect(after(record('r', { state: 'resolved', observedAtMs: 250 }))?.endedAtMs).toBe(250)
  })
})

test('any order and any repetition of the records of an episode leave the same truth', () => {
  const all = [opened, escalated, resolved]
  fc.assert(
    fc.property(fc.shuffledSubarray(all, { minLength: 3 }), fc.array(fc.constantFrom(...all)), (order, repeated) => {
      const { recordIds: _, ...truth } = after(...order, ...repeated)!
      expect(truth).toEqual({ id: 'episode', startedAtMs: 100, endedAtMs: 300, severity: 'critical' })
    }),
  )
})
