/**
 * How good decisions are sample by sample: the confusion matrix and what follows from it, as scikit-learn has it.
 *
 * Nothing is point-adjusted: a sample of an event that was not called anomalous is a miss, even when another one was.
 */

/** Counts of samples; positive is anomalous. */
export interface ConfusionMatrix {
  readonly truePositives: number
  readonly falsePositives: number
  readonly falseNegatives: number
  readonly trueNegatives: number
}

export const emptyMatrix: ConfusionMatrix = { truePositives: 0, falsePositives: 0, falseNegatives: 0, trueNegatives: 0 }

/** @param actual 1 where a sample is anomalous in truth, else 0; as long as `predicted` */
export function confusionMatrix(predicted: Uint8Array, actual: Uint8Array): ConfusionMatrix {
  if (predicted.length !== actual.length) throw new RangeError(`${predicted.length} decisions for ${actual.length} samples`)
  const counts = [0, 0, 0, 0]
  for (let i = 0; i < actual.length; i++) counts[2 * actual[i]! + predicted[i]!]!++
  const [trueNegatives, falsePositives, falseNegatives, truePositives] = counts as [number, number, number, number]
  return { truePositives, falsePositives, falseNegatives, trueNegatives }
}

export function summedMatrix(a: ConfusionMatrix, b: ConfusionMatrix): ConfusionMatrix {
  return {
    truePositives: a.truePositives + b.truePositives,
    falsePositives: a.falsePositives + b.falsePositives,
    falseNegatives: a.falseNegatives + b.falseNegatives,
    trueNegatives: a.trueNegatives + b.trueNegatives,
  }
}

/** Each 0 to 1; null where nothing was there to judge by. */
export interface Accuracy {
  /** Share of what was called anomalous that is. */
  readonly precision: number | null
  /** Share of what is anomalous that was called so. */
  readonly recall: number | null
  /** Harmonic mean of the two. */
  readonly f1: number | null
}

export function accuracyOf({ truePositives, falsePositives, falseNegatives }: Omit<ConfusionMatrix, 'trueNegatives'>): Accuracy {
  return {
    precision: share(truePositives, truePositives + falsePositives),
    recall: share(truePositives, truePositives + falseNegatives),
    f1: share(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives),
  }
}

/** A row of the classification report. */
export interface ClassReport {
  readonly name: 'normal' | 'anomalous' | 'macro average' | 'weighted average'
  readonly precision: number
  readonly recall: number
  readonly f1: number
  /** Samples that are of this class in truth. */
  readonly support: number
}

/** scikit-learn's `classification_report` with `zero_division=0`: both classes, then their averages. */
export function classificationReport(matrix: ConfusionMatrix): ClassReport[] {
  const { truePositives, falsePositives, falseNegatives, trueNegatives } = matrix
  const mirrored = { truePositives: trueNegatives, falsePositives: falseNegatives, falseNegatives: falsePositives }
  const normal = classReport('normal', mirrored, trueNegatives + falsePositives)
  const anomalous = classReport('anomalous', matrix, truePositives + falseNegatives)
  const total = normal.support + anomalous.support
  const anomalousShare = total > 0 ? anomalous.support / total : 0
  const average = (name: ClassReport['name'], weight: number): ClassReport => ({
    name,
    precision: (1 - weight) * normal.precision + weight * anomalous.precision,
    recall: (1 - weight) * normal.recall + weight * anomalous.recall,
    f1: (1 - weight) * normal.f1 + weight * anomalous.f1,
    support: total,
  })
  return [normal, anomalous, average('macro average', 0.5), average('weighted average', anomalousShare)]
}

function classReport(name: ClassReport['name'], matrix: Omit<ConfusionMatrix, 'trueNegatives'>, support: number): ClassReport {
  const { precision, recall, f1 } = accuracyOf(matrix)
  return { name, precision: precision ?? 0, recall: recall ?? 0, f1: f1 ?? 0, support }
}

function share(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null
}
