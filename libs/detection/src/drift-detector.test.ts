import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type StreamPart, streamOf } from '../testing/river-stream.ts'
import { Adwin } from './adwin.ts'
import { createDdmState, ddmField, observeDdm } from './ddm.ts'
import { createDriftDetector, type DriftDetectorName, driftDetectorNames } from './drift-detector.ts'
import type { DriftLevel } from './drift-level.ts'
import { createEddmState, eddmField, observeEddm } from './eddm.ts'
import { createPageHinkleyState, observePageHinkley, pageHinkleyField } from './page-hinkley.ts'

interface GoldenCase {
  readonly detector: DriftDetectorName
  readonly options: { delta?: number }
  readonly seed: number
  readonly parts: StreamPart[]
  readonly levels: [number, DriftLevel][]
  readonly estimates: [number, number, number][]
}
const golden: { reference: string; cases: GoldenCase[] } = JSON.parse(
  readFileSync(new URL('../test/golden/drift-detectors.river.json', import.meta.url), 'utf8'),
)

interface Watched {
  update(value: number): DriftLevel
  /** Number of values, and what the detector estimates from them. */
  estimate(): [number, number]
}

/** Ours keeps the newer part of the window at a detection, River's forgets all of it at the next value. */
function forgetfulAdwin(delta: number): Watched {
  let adwin = new Adwin({ delta })
  let cut = false
  return {
    update: (value) => {
      if (cut) adwin = new Adwin({ delta })
      cut = adwin.update(value)
      return cut ? 'drift' : 'stable'
    },
    estimate: () => [adwin.width, adwin.mean],
  }
}

function watched({ detector, options }: GoldenCase): Watched {
  if (detector === 'adwin') return forgetfulAdwin(options.delta!)
  if (detector === 'page-hinkley') {
    const state = createPageHinkleyState()
    return {
      update: (value) => observePageHinkley(state, value),
      estimate: () => [state[pageHinkleyField.values]!, state[pageHinkleyField.mean]!],
    }
  }
  const state = detector === 'ddm' ? createDdmState() : createEddmState()
  const observe = detector === 'ddm' ? observeDdm : observeEddm
  const [count, mean] = detector === 'ddm' ? [ddmField.outcomes, ddmField.rate] : [eddmField.errors, eddmField.meanDistance]
  return { update: (value) => observe(state, value === 1), estimate: () => [state[count]!, state[mean]!] }
}

describe('drift detectors', () => {
  test.each(golden.cases)(`say what ${golden.reference} says, sample by sample: $detector, seed $seed`, (golden) => {
    const detector = watched(golden)
    const levels: [number, DriftLevel][] = []
    const estimates: [number, number, number][] = []
    let last: DriftLevel = 'stable'
    let index = 0
    for (const value of streamOf(golden.seed, golden.parts)) {
      const level = detector.update(value)
      if (level !== last) levels.push([index, level])
      last = level
      if (index % 97 === 96) estimates.push([index, ...detector.estimate()])
      index++
    }
    expect(levels).toEqual(golden.levels)
    expect(estimates.map(([at, width]) => [at, width])).toEqual(golden.estimates.map(([at, width]) => [at, width]))
    for (const [i, [, , estimate]] of estimates.entries()) expect(estimate).toBeCloseTo(golden.estimates[i]![2], 9)
  })

  /** Alarms in 200,000 values without change; what each may raise at most is what it is documented to be like. */
  test.each([
    ['adwin', { low: 0, high: 1 }, 1],
    ['page-hinkley', { low: 0, high: 1 }, 1],
    ['ddm', { low: 0, high: 1.25 }, 10],
    ['eddm', { low: 0, high: 1.25 }, 500],
  ] as const)('%s keeps to its budget of false alarms', (detector, range, budget) => {
    let alarms = 0
    for (let seed = 1; seed <= 20; seed++) {
      const watching = createDriftDetector({ detector, delta: 0.002 })
      for (const score of streamOf(seed, [{ samples: 10_000, ...range }])) if (watching.update(score) === 'drift') alarms++
    }
    expect(alarms).toBeLessThanOrEqual(budget)
  })

  test.each(driftDetectorNames)('%s tells a change soon', (detector) => {
    const watching = createDriftDetector({ detector, delta: 0.002 })
    const scores = [
      ...streamOf(3, [
        { samples: 1000, low: 0.1, high: 1.1 },
        { samples: 500, low: 0.7, high: 1.7 },
      ]),
    ]
    const levels = scores.map((score) => watching.update(score))
    const told = levels.indexOf('drift', 1000)
    expect(told).toBeGreaterThan(1000)
    expect(told).toBeLessThan(1200)
  })

  test.each(driftDetectorNames)('%s says what went from where to where', (detector) => {
    const watching = createDriftDetector({ detector, delta: 0.002 })
    const scores = streamOf(3, [
      { samples: 200, low: 0.1, high: 1.1 },
      { samples: 2000, low: 0.7, high: 1.7 },
    ])
    for (const score of scores) if (watching.update(score) === 'drift') break
    const { before, after } = watching.change()
    expect(detector === 'eddm' ? before - after : after - before).toBeGreaterThan(0.05)
  })

  test.each(driftDetectorNames)('%s continues from a snapshot bit for bit, and its numbers stay numbers', (detector) => {
    const scores = fc.array(fc.double({ min: 0, max: 3, noNaN: true }), { maxLength: 200 })
    fc.assert(
      fc.property(scores, scores, (before, after) => {
        const whole = createDriftDetector({ detector, delta: 0.002 })
        for (const score of before) whole.update(score)
        const restored = createDriftDetector({ detector, delta: 0.002 }, whole.snapshot())
        for (const score of after) expect(restored.update(score)).toBe(whole.update(score))
        expect(restored.snapshot()).toEqual(whole.snapshot())
        expect(whole.snapshot().some(Number.isNaN)).toBe(false)
      }),
    )
  })

  test.each(driftDetectorNames)('%s refuses numbers that are no snapshot', (detector) => {
    expect(() => createDriftDetector({ detector, delta: 0.002 }, new Float64Array(3))).toThrow(RangeError)
  })
})
