/** `report/png`: a plot of a simulated month of episodes from numbers to the bytes of a PNG; the median of eleven, after one that loads the fonts. */
import type { Benches } from '../../../bench/figure.ts'
import { simulatedMonth } from '../testing/simulated-month.ts'
import { svgToPng } from './plot.ts'
import { buildReport } from './report.ts'
import { periodAt } from './report-period.ts'
import { episodesPlot } from './report-plots.ts'

export const benches: Benches = {
  'report/png': () => ({ bench: 'report/png', value: Number(median(rounds()).toPrecision(3)), unit: 'ms' }),
}

function rounds(): number[] {
  const nothing = { anomalies: [], notifications: [], feedback: [], control: [], models: [] }
  const { records, events } = simulatedMonth(7)
  const report = buildReport({
    ...{ records, recordsBefore: nothing, truth: { events, toleranceMs: 0 } },
    period: periodAt('monthly', Date.UTC(2026, 2, 15), 'UTC'),
    budgets: [],
    coverage: { series: 24, byState: [['ok', 24]] },
    canary: undefined,
    history: [],
  })
  const measure = () => {
    const startMs = performance.now()
    if (svgToPng(episodesPlot(report)).length < 1000) throw new Error('expected a picture')
    return performance.now() - startMs
  }
  measure()
  return Array.from({ length: 11 }, measure)
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!
}
