/** The course of a series around an episode, with the band that was expected: the picture in a message. */
import { colour, fontFamily, plotSvg } from './plot.ts'

export interface WindowPlot {
  /** Evenly spaced, oldest first; NaN where there is none. */
  readonly values: readonly number[]
  readonly startMs: number
  readonly stepMs: number
  /** Band at the time of the alert, in the unit of the values; NaN when it is not known. */
  readonly lower: number
  readonly upper: number
  /** Beginning of the episode. */
  readonly startedAtMs: number
}

const size = { width: 720, height: 240 }

/** Times are UTC, as everywhere where nobody says otherwise. Undefined when there is nothing to see. */
export function windowPlot({ values, startMs, stepMs, lower, upper, startedAtMs }: WindowPlot): string | undefined {
  if (values.filter(Number.isFinite).length < 2) return undefined
  const text = { fontFamily, fontSize: 12, color: colour('faint') }
  const lines = { lineStyle: { color: colour('line') } }
  const hasBand = Number.isFinite(lower) && Number.isFinite(upper)
  const band = [[{ yAxis: lower }, { yAxis: upper }]]
  const episode = [[{ xAxis: Math.max(startedAtMs, startMs) }, { xAxis: startMs + (values.length - 1) * stepMs }]]
  const area = (data: object[][], name: 'band' | 'told', opacity: number) => ({
    type: 'line',
    data: [],
    markArea: { silent: true, itemStyle: { color: colour(name), opacity }, data },
  })
  return plotSvg(
    {
      textStyle: text,
      grid: { left: 64, right: 24, top: 12, bottom: 28 },
      xAxis: {
        type: 'time',
        axisLine: lines,
        axisTick: { show: false },
        axisLabel: { ...text, hideOverlap: true, formatter: clock },
      },
      yAxis: {
        type: 'value',
        scale: true,
        ...rangeOf(values, hasBand ? [lower, upper] : []),
        splitLine: lines,
        axisLabel: { ...text, showMinLabel: false, showMaxLabel: false },
      },
      series: [
        ...(hasBand ? [area(band, 'band', 0.7)] : []),
        area(episode, 'told', 0.12),
        {
          ...{ type: 'line', showSymbol: false, silent: true, animation: false },
          lineStyle: { color: colour('series'), width: 2 },
          data: values.map((value, i) => [startMs + i * stepMs, Number.isFinite(value) ? value : null]),
        },
      ],
    },
    size,
  )
}

/** With a margin, so that neither the line nor the band touches the edge. */
function rangeOf(values: readonly number[], band: readonly number[]): { min: number; max: number } {
  const all = [...values.filter(Number.isFinite), ...band]
  const [least, most] = [all.reduce((a, b) => Math.min(a, b)), all.reduce((a, b) => Math.max(a, b))]
  const margin = (most - least || Math.abs(most) || 1) * 0.08
  return { min: least - margin, max: most + margin }
}

function clock(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 16)
}
