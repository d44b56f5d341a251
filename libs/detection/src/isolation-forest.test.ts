import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type CloudShape, cloudTable } from '../testing/isolation-forest-rows.ts'
import { fitIsolationForest, type IsolationForest, readIsolationForest, usualIsolationForest } from './isolation-forest.ts'

const golden: { reference: string; cases: (CloudShape & { name: string; auc: number })[] } = JSON.parse(
  readFileSync(new URL('../test/golden/isolation-forest.scikit-learn.json', import.meta.url), 'utf8'),
)

function scoresOf(forest: IsolationForest, { channels, values }: { channels: number; values: Float64Array }): number[] {
  const shares = new Float64Array(channels)
  return Array.from({ length: values.length / channels }, (_, row) =>
    forest.score(values.subarray(row * channels, (row + 1) * channels), shares),
  )
}

/** How often an unusual row scores above a usual one; the unusual ones come last. */
function areaUnderCurve(scores: readonly number[], unusual: number): number {
  const low = scores.slice(0, -unusual)
  const wins = scores.slice(-unusual).reduce((sum, high) => {
    return sum + low.reduce((won, other) => won + (other < high ? 1 : other === high ? 0.5 : 0), 0)
  }, 0)
  return wins / (unusual * low.length)
}

describe('isolation forest', () => {
  test.each(golden.cases)(`tells unusual rows as well as that of ${golden.reference}: $name`, ({ auc, ...shape }) => {
    const table = cloudTable(shape)
    const aucs = Array.from({ length: 4 }, (_, seed) =>
      areaUnderCurve(scoresOf(fitIsolationForest(table, { ...usualIsolationForest, seed }), table), shape.unusual),
    )
    expect(Math.abs(aucs.reduce((sum, area) => sum + area, 0) / aucs.length - auc)).toBeLessThan(0.01)
  })

  test.each([0.005, 0.05, 0.3])('a contamination of %d is the share of the history above 1', (contamination) => {
    const table = cloudTable({ seed: 1, usual: 950, unusual: 50, channels: 3 })
    const scores = scoresOf(fitIsolationForest(table, { ...usualIsolationForest, contamination }), table)
    const above = scores.filter((score) => score > 1).length / scores.length
    expect(above).toBeLessThanOrEqual(contamination)
    expect(above).toBeGreaterThan(0.9 * contamination - 0.002)
  })

  test('the channel that sets a row apart has the largest share', () => {
    const table = cloudTable({ seed: 1, usual: 1000, unusual: 0, channels: 4 })
    const forest = fitIsolationForest(table, usualIsolationForest)
    const shares = new Float64Array(4)
    forest.score(Float64Array.of(1, 1, 30, 1), shares)
    expect(shares.indexOf(Math.max(...shares))).toBe(2)
    expect(shares[2]).toBeGreaterThan(0.5)
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9)
  })

  test('another seed makes another forest, rows that are all alike make one of leaves', () => {
    const table = cloudTable({ seed: 1, usual: 100, unusual: 0, channels: 2 })
    const bytesOf = (seed: number) => fitIsolationForest(table, { ...usualIsolationForest, seed }).toBytes()
    expect(bytesOf(1)).not.toEqual(bytesOf(2))
    const alike = fitIsolationForest({ channels: 2, values: new Float64Array(200).fill(7) }, usualIsolationForest)
    expect(alike.score(Float64Array.of(9, 9), new Float64Array(2))).toBe(1)
  })

  test('takes nine bytes a node', () => {
    const { length } = fitIsolationForest(
      cloudTable({ seed: 1, usual: 1000, unusual: 0, channels: 38 }),
      usualIsolationForest,
    ).toBytes()
    expect(length).toBeLessThan(100 * 511 * 9 + 38 * 8 + 100 * 4 + 40)
  })

  test('bytes that lead nowhere are refused', () => {
    const bytes = fitIsolationForest(cloudTable({ seed: 1, usual: 100, unusual: 0, channels: 2 }), usualIsolationForest).toBytes()
    const future = bytes.slice()
    future[0] = 9
    expect(() => readIsolationForest(future)).toThrow('no isolation forest')
    const astray = bytes.slice()
    astray.fill(0xff, 40 + 16, 40 + 16 + 4)
    expect(() => readIsolationForest(astray)).toThrow('nodes that lead nowhere')
  })

  test.each([
    [{ sampleRows: 1 }, 'samples of 1 rows, expected 2 to 4096'],
    [{ contamination: 0 }, 'contamination 0, expected above 0 and at most 0.5'],
  ])('an option out of range is refused (%#)', (wrong, message) => {
    const table = cloudTable({ seed: 1, usual: 20, unusual: 0, channels: 2 })
    expect(() => fitIsolationForest(table, { ...usualIsolationForest, ...wrong })).toThrow(new RangeError(message))
  })
})
