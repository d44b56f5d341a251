import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { growForest, locate, unitLimits } from './half-space-forest.ts'
import { createMasses, learn, locateIncomplete, reserveMasses, score, warmth } from './half-space-trees.ts'
import { createRandom } from './random.ts'

interface GoldenCase {
  readonly name: string
  readonly n_trees: number
  readonly height: number
  readonly window_size: number
  readonly seed: number
  readonly limits: [number, number][]
  readonly samples: (number | null)[][]
  readonly scores: number[]
}
const golden: { reference: string; cases: GoldenCase[] } = JSON.parse(
  readFileSync(new URL('../test/golden/half-space-trees.river.json', import.meta.url), 'utf8'),
)

const options = { trees: 5, height: 4, limits: unitLimits(2), seed: 42 }
const windowSamples = 50
const forest = growForest(options)
const leaves = new Uint16Array(options.trees)
const unit = fc.double({ min: 0, max: 1, noNaN: true })
const points = fc.array(fc.tuple(unit, unit), { minLength: windowSamples, maxLength: 3 * windowSamples })

function learned(samples: readonly (readonly number[])[]) {
  const masses = createMasses(forest, windowSamples)
  reserveMasses(masses, 0)
  for (const sample of samples) {
    locate(forest, Float64Array.from(sample), leaves)
    learn(masses, 0, leaves)
  }
  return masses
}

/** The definition, without any of the short cuts: walk the path, count the window's samples in each box on it. */
function definedScore(window: readonly (readonly number[])[], point: readonly number[]): number {
  const { trees, height } = options
  const innerNodes = 2 ** height - 1
  let mass = 0
  for (let tree = 0; tree < trees; tree++) {
    let inBox = [...window]
    for (let node = 0, depth = 0; ; depth++) {
      mass += inBox.length * 2 ** depth
      if (inBox.length < 0.1 * windowSamples || depth === height) break
      const feature = forest.cutFeature[tree * innerNodes + node]!
      const at = forest.cutAt[tree * innerNodes + node]!
      const below = point[feature]! < at
      inBox = inBox.filter((sample) => sample[feature]! < at === below)
      node = 2 * node + (below ? 1 : 2)
    }
  }
  return 1 - mass / (trees * windowSamples * (2 ** (height + 1) - 1))
}

describe('half-space trees', () => {
  test.each(golden.cases)(`score as ${golden.reference} does: $name`, ({ samples, scores, ...parameters }) => {
    const { n_trees: trees, window_size: window, height, limits, seed } = parameters
    const masses = createMasses(growForest({ trees, height, limits, seed }), window)
    reserveMasses(masses, 0)
    const found = new Uint16Array(trees)
    const ours = samples.map((sample) => {
      locateIncomplete(
        masses,
        0,
        Float64Array.from(sample, (value) => value ?? Number.NaN),
        found,
      )
      const scored = score(masses, 0, found)
      learn(masses, 0, found)
      return scored
    })
    expect(ours).toEqual(scores)
  })

  test('score as the definition says, walked node by node', () => {
    fc.assert(
      fc.property(points, unit, unit, (samples, x, y) => {
        const masses = learned(samples)
        const lastWindow = samples.slice(0, samples.length - (samples.length % windowSamples)).slice(-windowSamples)
        locate(forest, Float64Array.of(x, y), leaves)
        expect(score(masses, 0, leaves)).toBeCloseTo(definedScore(lastWindow, [x, y]), 12)
      }),
    )
  })

  test('are silent until the first window is full, and say how far they are', () => {
    const masses = learned(Array(windowSamples - 1).fill([0.5, 0.5]))
    expect(warmth(masses, 0)).toBeCloseTo(0.98)
    locate(forest, Float64Array.of(0, 0), leaves)
    expect(score(masses, 0, leaves)).toBe(0)
    learn(masses, 0, leaves)
    expect(warmth(masses, 0)).toBe(1)
    expect(score(masses, 0, leaves)).toBeGreaterThan(0)
  })

  test('an empty corner scores above the crowd', () => {
    const random = createRandom(3)
    const masses = learned(Array.from({ length: 50 }, () => [0.4 + 0.2 * random(), 0.4 + 0.2 * random()]))
    const at = (x: number, y: number) => {
      locate(forest, Float64Array.of(x, y), leaves)
      return score(masses, 0, leaves)
    }
    expect(at(0.99, 0.01)).toBeGreaterThan(at(0.5, 0.5) + 0.1)
  })

  test('every sample of a window is counted once in each tree', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(unit, unit), { maxLength: windowSamples - 1 }), (samples) => {
        const { counts } = learned(samples).pages[0]!
        for (let tree = 0; tree < options.trees; tree++) {
          const counted = counts.subarray(tree * forest.leavesPerTree, (tree + 1) * forest.leavesPerTree)
          expect([...counted].reduce((sum, count) => sum + count, 0)).toBe(samples.length)
        }
      }),
    )
  })

  test('series in other slots and further pages change nothing', () => {
    const masses = createMasses(forest, windowSamples)
    reserveMasses(masses, 1)
    const random = createRandom(9)
    for (let i = 0; i < 120; i++) {
      locate(forest, Float64Array.of(random(), random()), leaves)
      learn(masses, i % 2, leaves)
    }
    locate(forest, Float64Array.of(0.3, 0.9), leaves)
    const before = score(masses, 1, leaves)
    reserveMasses(masses, 200)
    expect(before).toBeGreaterThan(0)
    expect(score(masses, 1, leaves)).toBe(before)
    expect(score(masses, 200, leaves)).toBe(0)
  })

  test('the unit of a feature changes no score when its limits are in the same unit', () => {
    const scored = (scale: number) => {
      const scaled = growForest({ ...options, limits: options.limits.map(([low, high]) => [low * scale, high * scale]) })
      const masses = createMasses(scaled, windowSamples)
      reserveMasses(masses, 0)
      const random = createRandom(5)
      return Array.from({ length: 3 * windowSamples }, () => {
        locate(scaled, Float64Array.of(random() * scale, random() * scale), leaves)
        learn(masses, 0, leaves)
        return score(masses, 0, leaves)
      })
    }
    const expected = scored(1)
    // Powers of two, because only those scale a float without rounding.
    fc.assert(
      fc.property(fc.integer({ min: -300, max: 300 }), (power) => {
        expect(scored(2 ** power)).toEqual(expected)
      }),
    )
  })
})
