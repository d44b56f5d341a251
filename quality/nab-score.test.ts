import { describe, expect, test } from 'vitest'
import { type ScoredFile, scoreFile, scoreNab } from './nab-score.ts'

const rows = 1000
const windowsMs: ScoredFile['windowsMs'] = [
  [300, 399],
  [700, 749],
]

function file(detectedRows: readonly number[]): ScoredFile {
  const timestampsMs = Array.from({ length: rows }, (_, row) => row)
  return { timestampsMs, detected: timestampsMs.map((row) => detectedRows.includes(row)), windowsMs }
}

describe('NAB score', () => {
  test('silence is 0, the first row of every window is 100', () => {
    expect(scoreNab([file([])])).toMatchObject({ standard: 0, lowFalsePositives: 0, lowFalseNegatives: 0, alertPrecision: 0 })
    expect(scoreNab([file([300, 700])])).toMatchObject({ standard: 100, windowsFound: 2, falseAlerts: 0, alertPrecision: 1 })
  })

  // Figures of the validated scorer that reproduces the published results, on the same detections.
  test('detections within, behind and before windows weigh as the rules say', () => {
    const result = scoreNab([file([250, 350, 410, 411, 600, 800, 990])])
    expect(result).toMatchObject({ windowsFound: 1, falseAlerts: 5 })
    expect(result.standard).toBeCloseTo(33.97152251, 6)
    expect(result.lowFalsePositives).toBeCloseTo(21.44823085, 6)
    expect(result.lowFalseNegatives).toBeCloseTo(39.31434834, 6)
  })

  test('rows of the probation teach and cost nothing', () => {
    expect(scoreFile(file([0, 100, 149])).harm).toBe(0)
    expect(scoreFile(file([150])).harm).toBe(1)
  })

  test('a window whose limits are not in the data is refused', () => {
    expect(() => scoreFile({ ...file([]), windowsMs: [[300.5, 400]] })).toThrow(RangeError)
  })
})
