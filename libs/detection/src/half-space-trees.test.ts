import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMasses, growForest, learn, locate, score, warmth } from './half-space-trees.ts'
import { createRandom } from './random.ts'

const options = { trees: 5, height: 4, windowSamples: 50, features: 2, seed: 42 }
const forest = growForest(options)
const leaves = new Uint16Array(options.trees)
const unit = fc.double({ min: 0, max: 1, noNaN: true })
const points = fc.array(fc.tuple(unit, unit), { minLength: 50, maxLength: 150 })

function learned(samples: readonly (readonly number[])[]) {
  const masses = createMasses(forest, 1)
  for (const sample of samples) {
    locate(forest, Float64Array.from(sample), leaves)
    learn(masses, 0, leaves)
  }
  return masses
}

/** The definition, without any of the short cuts: walk the path, count the window's samples in each box on it. */
function definedScore(window: readonly (readonly number[])[], point: readonly number[]): number {
  const { trees, height, windowSamples } = options
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
  test('score as the definition says, walked node by node', () => {
    fc.assert(
      fc.property(points, unit, unit, (samples, x, y) => {
        const masses = learned(samples)
        const lastWindow = samples.slice(0, samples.length - (samples.length % 50)).slice(-50)
        locate(forest, Float64Array.of(x, y), leaves)
        expect(score(masses, 0, leaves)).toBeCloseTo(definedScore(lastWindow, [x, y]), 12)
      }),
    )
  })

  test('are silent until the first window is full, and say how far they are', () => {
    const masses = learned(Array(49).fill([0.5, 0.5]))
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
      fc.property(fc.array(fc.tuple(unit, unit), { maxLength: 49 }), (samples) => {
        const { counts } = learned(samples)
        for (let tree = 0; tree < options.trees; tree++) {
          const counted = counts.subarray(tree * forest.leavesPerTree, (tree + 1) * forest.leavesPerTree)
          expect(counted.reduce((sum, count) => sum + count, 0)).toBe(samples.length)
        }
      }),
    )
  })

  test('series in other slots and a larger slab change nothing', () => {
    const masses = createMasses(forest, 2)
    const random = createRandom(9)
    for (let i = 0; i < 120; i++) {
      locate(forest, Float64Array.of(random(), random()), leaves)
      learn(masses, i % 2, leaves)
    }
    const larger = createMasses(forest, 5, masses)
    locate(forest, Float64Array.of(0.3, 0.9), leaves)
    expect(score(larger, 1, leaves)).toBe(score(masses, 1, leaves))
    expect(score(larger, 4, leaves)).toBe(0)
  })

  test('the same seed grows the same forest, another seed another', () => {
    expect(growForest(options).cutAt).toEqual(forest.cutAt)
    expect(growForest({ ...options, seed: 43 }).cutAt).not.toEqual(forest.cutAt)
  })
})
