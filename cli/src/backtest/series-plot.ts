/** A series of a backtest as a plot: what it did, the band that was expected of it, and the episodes. */
import { colour, fontFamily, plotSvg } from '@lapwing/reports/plot'
import type { Backtest } from './backtest.ts'
import type { ScoreTrace } from './score-traces.ts'
import type { BacktestSummary } from './summary.ts'
import type { ToldEpisode } from './told-episodes.ts'

export interface PlottedRange {
  readonly fromMs: number
  readonly toMs: number
}

const size = { width: 860, height: 190 }
/** More would not be seen. */
const points = 420
const axisLabel = { color: colour('faint'), fontFamily }
const lines = { lineStyle: { color: colour('line') } }
const still = { type: 'line', silent: true, symbol: 'none', emphasis: { disabled: true } } as const

export function seriesPlot(trace: ScoreTrace, episodes: readonly ToldEpisode[], range: PlottedRange): string {
  const rows = thinned(trace, range)
  const xs = (of: (i: number) => number) => rows.map((i) => [trace.timestampsMs[i]!, finite(of(i))])
  const marks = episodes.map(({ startedAtMs, endedAtMs, toldAtMs }) => [
    { xAxis: startedAtMs, itemStyle: { color: colour(toldAtMs === null ? 'held' : 'told'), opacity: 0.35 } },
    { xAxis: Math.max(endedAtMs ?? range.toMs, startedAtMs + (range.toMs - range.fromMs) / points) },
  ])
  return plotSvg(
    {
      useUTC: true,
      grid: { left: 64, right: 10, top: 10, bottom: 24 },
      xAxis: {
        type: 'time',
        min: range.fromMs,
        max: range.toMs,
        axisLine: lines,
        axisLabel: { ...axisLabel, hideOverlap: true },
      },
      yAxis: { type: 'value', scale: true, splitNumber: 4, splitLine: lines, axisLabel },
      series: [
        { ...still, stack: 'band', stackStrategy: 'all', lineStyle: { opacity: 0 }, data: xs((i) => trace.lower[i]!) },
        {
          ...{ ...still, stack: 'band', stackStrategy: 'all', lineStyle: { opacity: 0 } },
          areaStyle: { color: colour('band') },
          data: xs((i) => trace.upper[i]! - trace.lower[i]!),
        },
        {
          ...{ ...still, z: 3, lineStyle: { color: colour('series'), width: 1.2 }, data: xs((i) => trace.values[i]!) },
          markArea: { silent: true, data: marks },
        },
      ],
    },
    size,
  )
}

/** The series that people would have been told of most often, with its episodes; of equals the first. */
export function mostTold(
  { traces }: Backtest,
  { series, episodes }: BacktestSummary,
): { trace: ScoreTrace; episodes: ToldEpisode[] } {
  const [worst] = traces
    .map((trace, i) => ({ trace, summary: series[i]! }))
    .sort((a, b) => b.summary.told - a.summary.told || b.summary.episodes - a.summary.episodes)
  return { trace: worst!.trace, episodes: episodes.filter((episode) => episode.series === worst!.trace.text) }
}

/** Of each share of the time the sample with the highest score, so that what was anomalous is seen. */
function thinned({ length, timestampsMs, scores }: ScoreTrace, { fromMs, toMs }: PlottedRange): number[] {
  const chosen = new Map<number, number>()
  for (let i = 0; i < length; i++) {
    const share = Math.floor(((timestampsMs[i]! - fromMs) / (toMs - fromMs)) * points)
    const before = chosen.get(share)
    if (before === undefined || scores[i]! > scores[before]!) chosen.set(share, i)
  }
  return [...chosen.values()]
}

/** ECharts leaves a gap at a dash. */
function finite(value: number): number | '-' {
  return Number.isFinite(value) ? Number(value.toPrecision(6)) : '-'
}
