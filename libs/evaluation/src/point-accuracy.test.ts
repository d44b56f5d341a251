import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { accuracyOf, classificationReport, confusionMatrix, emptyMatrix, summedMatrix } from './point-accuracy.ts'
import { averagePrecision } from './range-auc.ts'

interface Golden {
  readonly cases: readonly {
    readonly actual: readonly number[]
    readonly scores: readonly number[]
    readonly confusion: readonly [readonly [number, number], readonly [number, number]]
    readonly report: Readonly<Record<string, Readonly<Record<'precision' | 'recall' | 'f1-score' | 'support', number>>>>
    readonly averagePrecision: number
  }[]
}

/** Made with scikit-learn 1.9.1 by `testing/write_scikit_learn_report.py`. */
const golden: Golden = JSON.parse(readFileSync(new URL('../test/golden/scikit-learn.json', import.meta.url), 'utf8'))

describe.each(golden.cases.map((one, i) => ({ ...one, i })))('case $i is as scikit-learn has it', (one) => {
  const actual = Uint8Array.from(one.actual)
  const matrix = confusionMatrix(
    Uint8Array.from(one.scores, (score) => Number(score > 1)),
    actual,
  )

  test('the confusion matrix', () => {
    const { trueNegatives, falsePositives, falseNegatives, truePositives } = matrix
    expect([
      [trueNegatives, falsePositives],
      [falseNegatives, truePositives],
    ]).toEqual(one.confusion)
  })

  test('the classification report', () => {
    for (const [i, name] of ['0', '1', 'macro avg', 'weighted avg'].entries()) {
      const { precision, recall, f1, support } = classificationReport(matrix)[i]!
      const expected = one.report[name]!
      expect(precision).toBeCloseTo(expected.precision, 12)
      expect(recall).toBeCloseTo(expected.recall, 12)
      expect(f1).toBeCloseTo(expected['f1-score'], 12)
      expect(support).toBe(expected.support)
    }
  })

  test('the area under the precision-recall curve', () => {
    expect(averagePrecision(Float64Array.from(one.scores), actual)).toBeCloseTo(one.averagePrecision, 12)
  })
})

test('of nothing, nothing is known', () => {
  expect(accuracyOf(emptyMatrix)).toEqual({ precision: null, recall: null, f1: null })
  expect(accuracyOf({ ...emptyMatrix, falseNegatives: 3 })).toEqual({ precision: null, recall: 0, f1: 0 })
})

test('matrices add up', () => {
  const matrix = { truePositives: 1, falsePositives: 2, falseNegatives: 3, trueNegatives: 4 }
  expect(summedMatrix(matrix, summedMatrix(matrix, emptyMatrix))).toEqual({
    truePositives: 2,
    falsePositives: 4,
    falseNegatives: 6,
    trueNegatives: 8,
  })
})

test('decisions and samples must be as many', () => {
  expect(() => confusionMatrix(Uint8Array.of(1), Uint8Array.of(1, 0))).toThrow(RangeError)
})
