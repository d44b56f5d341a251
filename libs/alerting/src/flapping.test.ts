import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { changeRatio, type FlappingState, flappingPolicy, neverChanged, observeChange } from './flapping.ts'

const minuteMs = 60_000
const policy = flappingPolicy(60 * minuteMs)
const allSlots = 2 ** policy.slots - 1

const after = (changesAtMin: number[], before: FlappingState = neverChanged) =>
  changesAtMin.reduce((state, min) => observeChange(state, min * minuteMs, policy), before)
const every = (minutes: number, count: number, fromMin = 0) => Array.from({ length: count }, (_, i) => fromMin + i * minutes)

describe('flapping', () => {
  test('starts when something changes in every slot', () => {
    expect(after(every(3, 20)).flapping).toBe(true)
  })

  test('needs changes in nine of the newest slots, or in twelve of the oldest', () => {
    expect(after(every(3, 8)).flapping).toBe(false)
    expect(after(every(3, 9)).flapping).toBe(true)
    expect(changeRatio(allSlots & ~(2 ** 9 - 1), policy.slots)).toBeLessThan(policy.startRatio)
    expect(changeRatio(allSlots & ~(2 ** 8 - 1), policy.slots)).toBeGreaterThan(policy.startRatio)
  })

  test('two changes a day apart are none', () => {
    expect(after(every(24 * 60, 40)).flapping).toBe(false)
  })

  test('ten changes within one slot count once', () => {
    expect(after(every(0.2, 10)).changes).toBe(1)
  })

  test('goes on between the two thresholds and ends below the lower one', () => {
    const flapping = after(every(3, 20))
    expect(after([75], flapping).flapping).toBe(true)
    expect(after([105], flapping).flapping).toBe(false)
  })

  test('a silence longer than the window forgets everything', () => {
    expect(after([300], after(every(3, 20)))).toMatchObject({ changes: 1, flapping: false })
  })

  test('weights average one: a change in every slot gives a ratio of one', () => {
    expect(changeRatio(allSlots, policy.slots)).toBeCloseTo(1, 12)
  })

  test('which slots saw a change does not depend on the order of arrival', () => {
    const changes = fc.array(fc.integer({ min: 0, max: 55 }), { minLength: 1, maxLength: 30 })
    const shuffled = changes.chain((minutes) =>
      fc.tuple(fc.constant(minutes), fc.shuffledSubarray(minutes, { minLength: minutes.length })),
    )
    fc.assert(
      fc.property(shuffled, ([inOrder, mixed]) => {
        expect(after(mixed).changes).toBe(after(inOrder).changes)
      }),
    )
  })
})
