import type { Feedback } from '@lapwing/contracts/records'
import { createRandom } from '@lapwing/detection/random'
import { describe, expect, test } from 'vitest'
import { verdictOn } from '../testing/verdict.ts'
import { beginVerdicts, driftOf, type ModelVerdicts, spend, withoutVerdict, withVerdict } from './model-verdicts.ts'

const begun = beginVerdicts('ab', 1000)

/** f for a false alarm, n for a new normal, c for confirmed, one episode each. */
const letters: Readonly<Record<string, Feedback['verdict']>> = {
  f: 'false_alarm',
  n: 'new_normal',
  c: 'confirmed',
  e: 'expected',
}

function judged(said: string, before: ModelVerdicts = begun, from = 0): ModelVerdicts {
  return [...said].reduce(
    (verdicts, letter, i) => withVerdict(verdicts, verdictOn(from + i, { verdict: letters[letter]! })).verdicts,
    before,
  )
}

describe('verdicts on the model of an entity', () => {
  test('seven false alarms in a row are drift, six are none; new normals count like them', () => {
    expect(driftOf(judged('ffffff'))).toBeUndefined()
    expect(driftOf(judged('fffffff'))).toMatchObject({ errors: 7, verdicts: 7 })
    expect(driftOf(judged('fnfnnnf'))).toMatchObject({ errors: 7, verdicts: 7 })
    expect(driftOf(judged('fffcffcfff'))).toMatchObject({ errors: 8, verdicts: 10 })
  })

  test('are counted since the share of false alarms was lowest, and say what was compared with what', () => {
    const drift = driftOf(judged(`${'c'.repeat(20)}fcffffff`))!
    expect(drift).toMatchObject({ errors: 7, verdicts: 8 })
    expect(drift.statistic).toBeGreaterThan(drift.threshold)
    expect(driftOf(judged('c'.repeat(60)))).toBeUndefined()
  })

  test('later ones may speak for it again', () => {
    expect(driftOf(judged('fffffff'))).toBeDefined()
    expect(driftOf(judged('fffffffccc'))).toBeUndefined()
  })

  test('what is taken back, changed, or called expected or known counts as if it had never been said', () => {
    const seven = judged('fffffff')
    const undone = withVerdict(seven, verdictOn(3, { verdict: 'undone' }))
    expect(undone.outcome).toBe('taken_back')
    expect(undone.verdicts.judged.map(({ episodeId }) => episodeId)).toEqual([0, 1, 2, 4, 5, 6].map((n) => `episode ${n}`))
    expect(driftOf(undone.verdicts)).toBeUndefined()
    expect(driftOf(withVerdict(undone.verdicts, verdictOn(3)).verdicts)).toBeDefined()
    expect(driftOf(withVerdict(seven, verdictOn(3, { verdict: 'confirmed' })).verdicts)).toBeUndefined()
    for (const verdict of ['expected', 'known'] as const) {
      const neutral = withVerdict(seven, verdictOn(3, { verdict }))
      expect(neutral.outcome).toBe('neutral')
      expect(neutral.verdicts).toEqual(undone.verdicts)
    }
    expect(withoutVerdict(seven, 'anomaly 3')).toEqual(undone.verdicts)
    expect(withoutVerdict(seven, 'another')).toBeUndefined()
  })

  test('the same episode counts once, however often it is judged', () => {
    const often = Array.from({ length: 20 }, () => 5).reduce((verdicts, n) => withVerdict(verdicts, verdictOn(n)).verdicts, begun)
    expect(often.judged).toHaveLength(1)
  })

  test('an episode that began under an earlier version says nothing of this one', () => {
    expect(withVerdict(begun, verdictOn(1, { startedAtMs: 999 }))).toEqual({ verdicts: begun, outcome: 'earlier_model' })
  })

  test('what was asked for counts no more, also when it is said again; seven further ones do', () => {
    const spent = spend(judged('fffffff'))
    expect(driftOf(withVerdict(spent, verdictOn(2)).verdicts)).toBeUndefined()
    expect(driftOf(judged('ffffff', spent, 100))).toBeUndefined()
    expect(driftOf(judged('fffffff', spent, 100))).toMatchObject({ errors: 7, verdicts: 7 })
  })

  test('the newest 64 are kept', () => {
    expect(judged('c'.repeat(100)).judged.map(({ episodeId }) => episodeId)).toEqual(
      Array.from({ length: 64 }, (_, i) => `episode ${36 + i}`),
    )
  })

  /** Verdicts until drift is told, of 200 models whose alarms are false with this probability: median, and share within 100. */
  function toldAfter(share: (verdict: number) => number): { median: number; within100: number } {
    const found = Array.from({ length: 200 }, (_, seed) => {
      const random = createRandom(seed + 1)
      let verdicts = begun
      for (let i = 0; i < 100; i++) {
        verdicts = withVerdict(verdicts, verdictOn(i, { verdict: random() < share(i) ? 'false_alarm' : 'confirmed' })).verdicts
        if (driftOf(verdicts)) return i + 1
      }
      return Number.POSITIVE_INFINITY
    }).sort((a, b) => a - b)
    return { median: found[100]!, within100: found.filter(Number.isFinite).length / found.length }
  }

  test('a model whose alarms are mostly right is not told of within a hundred verdicts, one that got worse is within ten', () => {
    expect(toldAfter(() => 0.1).within100).toBe(0)
    expect(toldAfter(() => 0.2).within100).toBeLessThan(0.05)
    expect(toldAfter(() => 0.9).median).toBeLessThanOrEqual(8)
    const worse = toldAfter((verdict) => (verdict < 20 ? 0.1 : 0.8))
    expect(worse.median).toBeLessThanOrEqual(30)
  })
})
