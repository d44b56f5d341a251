/** Whether a backtest is good enough, for whoever lets a configuration into production. */
import type { BacktestSummary } from './summary.ts'

export interface Gate {
  /** Least share of the told episodes that must be right. */
  readonly minPrecision?: number
  readonly maxAlertsPerDay?: number
}

/** One sentence for each gate that was not passed. An episode that was not told cannot be wrong: without any, precision is as good as it gets. */
export function gateProblems({ labelled, alertsPerDay }: BacktestSummary, { minPrecision, maxAlertsPerDay }: Gate): string[] {
  const precision = labelled?.precision ?? 1
  const problems: string[] = []
  if (minPrecision !== undefined && precision < minPrecision)
    problems.push(`Gate not passed: precision ${precision.toFixed(3)}, expected at least ${minPrecision}.`)
  if (maxAlertsPerDay !== undefined && alertsPerDay > maxAlertsPerDay)
    problems.push(`Gate not passed: ${alertsPerDay.toFixed(2)} alerts a day, expected at most ${maxAlertsPerDay}.`)
  return problems
}
