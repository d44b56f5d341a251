import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  burstScale,
  createNoveltyStates,
  noveltyWarmUpRows,
  observeNovelty,
  referenceScale,
  silenceRows,
} from './fading-novelty.ts'
import { createRandom } from './random.ts'
import { SeriesDetector } from './series-detector.ts'
import { contributionNames } from './verdict.ts'

interface Golden {
  readonly reference: string
  readonly series: readonly { name: string; values: number[]; told: [row: number, score: number][] }[]
}
const golden: Golden = JSON.parse(readFileSync(new URL('../test/golden/fading-novelty.json', import.meta.url), 'utf8'))

function run(values: readonly number[], scale = burstScale): number[] {
  const states = createNoveltyStates(1)
  return values.map((value) => observeNovelty(states, 0, value, scale))
}

describe('fading novelty', () => {
  test.each(golden.series)(`scores as the reference (${golden.reference}): $name`, ({ values, told }) => {
    const ours = run(values, referenceScale).flatMap((score, row): [number, number][] =>
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

  test('bursts of a bursty series are told less often than to the arithmetic scale, and a new extreme is told by both', () => {
    const random = createRandom(8)
    const bursty = Array.from({ length: 6000 }, () => 10 + random() + (random() < 0.004 ? -12 * Math.log(1 - random()) : 0))
    const told = (values: readonly number[], scale: typeof burstScale) =>
      run(values, scale).filter((score, row) => row >= noveltyWarmUpRows && score >= 1).length
    expect(told(bursty, burstScale)).toBeLessThan(0.8 * told(bursty, referenceScale))
    const extreme = run([...bursty, 10 + 5 * (Math.max(...bursty) - 10)], burstScale).at(-1)
    expect(extreme).toBeGreaterThan(1)
  })

  test.each(golden.series)(
    'inside of the whole detector, at samples of 5 minutes, it is the same row by row: $name',
    ({ values }) => {
      const alone = run(values)
      const options = { windowMs: 3_600_000, contamination: 0.01, falseAlarmsPerWeek: 1, timeZone: 'UTC', seed: 1 }
      const detector = new SeriesDetector(options)
      const stepMs = 300_000
      let told = 0
      values.forEach((value, row) => {
        detector.update(0, { timestampMs: (row + 1) * stepMs, value, imputed: false, stale: false, stepMs, live: true })
        if (row < noveltyWarmUpRows) return
        const { score, contributions } = detector.verdict
        const isNovel = contributions[contributionNames.indexOf('novelty')]! > 0
        expect(isNovel, `row ${row}`).toBe(alone[row]! > 0 && score > 0)
        if (alone[row]! < 1) return
        told++
        expect(score, `row ${row}`).toBeGreaterThanOrEqual(Math.min(alone[row]!, 100))
      })
      expect(told).toBe(alone.filter((score, row) => score >= 1 && row >= noveltyWarmUpRows).length)
    },
  )

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
