/** From the wanted number of false alarms to a threshold of novelty. */

/**
 * What scores of novelty are multiplied with, so that 1 is reached about as often as wanted. Between the measured points the
 * logarithm of the threshold follows that of the rate.
 */
export function noveltyGain(falseAlarmsPerWeek: number): number {
  const above = measuredNovelty.findIndex(([rate]) => rate <= falseAlarmsPerWeek)
  const right = above === -1 ? measuredNovelty.length - 1 : Math.max(1, above)
  const [fewRate, fewThreshold] = measuredNovelty[right]!
  const [manyRate, manyThreshold] = measuredNovelty[right - 1]!
  const share = Math.log(falseAlarmsPerWeek / manyRate) / Math.log(fewRate / manyRate)
  return 1 / (manyThreshold * (fewThreshold / manyThreshold) ** share)
}

/** Rows told a week at a threshold, in units of the default one: on simulated service metrics without fault, where the default is one a week. */
const measuredNovelty: readonly (readonly [falseAlarmsPerWeek: number, threshold: number])[] = [
  [4.7, 0.67],
  [2.1, 0.81],
  [1, 1],
  [0.61, 1.21],
  [0.33, 1.61],
  [0.24, 2.02],
  [0.14, 2.69],
  [0.083, 4.03],
]
