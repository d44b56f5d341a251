import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createNoveltyStates, noveltyWarmUpRows, observeNovelty, silenceRows } from './fading-novelty.ts'
import { createRandom } from './random.ts'

interface Golden {
  readonly reference: string
  readonly series: readonly { name: string; values: number[]; told: [row: number, score: number][] }[]
}
const golden: Golden = JSON.parse(readFileSync(new URL('../test/golden/fading-novelty.json', import.meta.url), 'utf8'))

function run(values: readonly number[]): number[] {
  const states = createNoveltyStates(1)
  return values.map((value) => observeNovelty(states, 0, value))
}

describe('fading novelty', () => {
  test.each(golden.series)(`scores as the reference (${golden.reference}): $name`, ({ values, told }) => {
    const ours = run(values).flatMap((score, row): [number, number][] =>
      score > 0 && row >= noveltyWarmUpRows ? [[row, score]] : [],
    )
    expect(ours.map(([row]) => row)).toEqual(told.map(([row]) => row))
    ours.forEach(([, score], i) => {
      expect(score).toBeCloseTo(told[i]![1], 3)
    })
  })

  test('tells a spike on its row, and the same spike again not within the silence', () => {
    const random = createRandom(4)
    const values = Array.from({ length: 900 }, () => 10 + random())
    values[500] = 40
    values[520] = 40
    const told = run(values).flatMap((score, row) => (score >= 1 && row >= noveltyWarmUpRows ? [row] : []))
    expect(told).toEqual([500])
  })

  test('a series in another slot, beside others, changes nothing', () => {
    const { values } = golden.series[0]!
    const alone = run(values)
    const states = createNoveltyStates(2)
    const beside = values.map((value) => {
      observeNovelty(states, 0, -3 * value)
      return observeNovelty(states, 1, value)
    })
    expect(beside).toEqual(alone)
  })

  test('never more than once in a silence unless it gets more surprising', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 200, maxLength: 500 }), (values) => {
        const scores = run(values)
        scores.forEach((score, row) => {
          if (score > 0) expect(Math.max(0, ...scores.slice(Math.max(0, row - silenceRows), row))).toBeLessThan(score)
        })
      }),
    )
  })
})
