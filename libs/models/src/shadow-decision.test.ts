import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideShadow } from './shadow-decision.ts'

describe('what a shadow comes to', () => {
  test.each([
    ['calm beside a calm model', 0, 0, 'promote'],
    ['calm beside a loud model, after a step', 2, 60, 'promote'],
    ['three rows of sixty, without a model in force', 3, undefined, 'promote'],
    ['four of them', 4, undefined, 'reject'],
    ['louder than a calm model', 6, 3, 'reject'],
    ['as loud as a model that is a little loud', 6, 6, 'promote'],
    ['loud beside one that is louder, as on a ramp', 30, 60, 'wait'],
    ['loud with the other, as in an incident', 60, 60, 'wait'],
    ['louder than a loud one', 60, 50, 'reject'],
  ] as const)('%s', (_, above, aboveInForce, outcome) => {
    expect(decideShadow({ rows: 60, above, aboveInForce, waited: 0 }).outcome).toBe(outcome)
  })

  test('what stays loud is not waited for any longer', () => {
    const outcomes = [0, 1, 2, 3].map((waited) => decideShadow({ rows: 60, above: 30, aboveInForce: 60, waited }).outcome)
    expect(outcomes).toEqual(['wait', 'wait', 'wait', 'reject'])
  })

  test('says the numbers, and what would have done', () => {
    expect(decideShadow({ rows: 60, above: 30, aboveInForce: 60, waited: 3 })).toEqual({
      outcome: 'reject',
      share: 0.5,
      limit: 0.25,
      reason:
        'in shadow for 60 rows after 180 others, called 50.0 % of them anomalous, the model in force 100.0 %; at most 25.0 % would do',
    })
  })

  test('a louder shadow is never accepted where a calmer one is not', () => {
    const rows = fc.integer({ min: 1, max: 500 })
    const some = fc.tuple(rows, fc.nat(500), fc.nat(500), fc.nat(500))
    fc.assert(
      fc.property(some, ([count, a, b, other]) => {
        const [calm, loud] = [Math.min(a, b, count), Math.min(Math.max(a, b), count)]
        const aboveInForce = Math.min(other, count)
        const isAccepted = (above: number) => decideShadow({ rows: count, above, aboveInForce, waited: 0 }).outcome === 'promote'
        expect(isAccepted(loud) && !isAccepted(calm)).toBe(false)
      }),
    )
  })
})
