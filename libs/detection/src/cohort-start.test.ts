import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Band, type CohortStart, justStarted, observeStart, ownSamples, standsFor, trialSamples } from './cohort-start.ts'

const band = (expected: number, halfWidth = 1): Band => ({ expected, lower: expected - halfWidth, upper: expected + halfWidth })

describe('who stands for a cohort', () => {
  test('the one in the middle, when the others lie within its band', () => {
    expect(standsFor([band(10.5), band(9.6), band(10)])).toBe(2)
  })

  test.each([
    ['two of them', [band(10), band(10)]],
    ['levels that are their own', [band(10), band(20), band(30)]],
    ['no band at all', [band(Number.NaN), band(Number.NaN), band(Number.NaN)]],
  ])('nobody: %s', (_, members) => {
    expect(standsFor(members)).toBe(-1)
  })

  test('one in five may be elsewhere', () => {
    expect(standsFor([band(10), band(10.1), band(10.2), band(10.3), band(99)])).toBe(2)
    expect(standsFor([band(10), band(10.1), band(10.2), band(98), band(99)])).toBe(-1)
  })

  test('whatever the order, the same level', () => {
    const levels = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 3, maxLength: 20 })
    fc.assert(
      fc.property(levels, fc.double({ min: 0, max: 1e6, noNaN: true }), (all, halfWidth) => {
        const members = all.map((level) => band(level, halfWidth))
        const backwards = members.toReversed()
        const one = members[standsFor(members)]?.expected
        expect(backwards[standsFor(backwards)]?.expected).toBe(one)
      }),
    )
  })
})

describe('a start from the cohort', () => {
  const run = (isAnomalous: (sample: number) => boolean, samples: number, isEpisodeOpen = false) => {
    let start: CohortStart = justStarted
    for (let sample = 1; ; sample++) {
      const next = observeStart(start, { isAnomalous: isAnomalous(sample), isEpisodeOpen })
      if (sample === samples) return next.outcome
      start = next.start
    }
  }

  test('says nothing while it is tried, then is trusted little by little', () => {
    expect(run(() => false, 15)).toEqual({ kind: 'trial', share: 0.5 })
    expect(run(() => false, trialSamples)).toEqual({ kind: 'trusted', confidence: trialSamples / ownSamples })
    expect(run(() => false, ownSamples)).toEqual({ kind: 'trusted', confidence: 1 })
  })

  test('a few unusual samples are no misfit; many are, and so is an open episode', () => {
    expect(run((sample) => sample <= 3, trialSamples).kind).toBe('trusted')
    expect(run((sample) => sample <= 4, trialSamples).kind).toBe('misfit')
    expect(run(() => false, trialSamples, true).kind).toBe('misfit')
  })

  test('once trusted, an anomaly is an anomaly', () => {
    expect(run((sample) => sample > trialSamples, trialSamples + 20, true).kind).toBe('trusted')
  })
})
