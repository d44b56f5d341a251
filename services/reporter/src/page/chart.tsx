/**
 * The chart of a series: value over its expected band, anomalous episodes shaded, filled-in points grey, the score in a strip below.
 *
 * Two uPlot instances share a cursor. Drag zooms, a double click goes back. Colours come from the style sheet at every drawing,
 * so that a change between light and dark needs a redraw only.
 */
import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import type { MarkedEpisode, SeriesDetail } from '../api-model.ts'
import { type ChartColumns, chartColumns, highestScore, valueRange } from './chart-data.ts'
import { formatTick, formatTicks, formatTime, formatValue, type Unit, unitOf } from './format.ts'
import type { Zoom } from './model.ts'

/** What is drawn: a series that is scored, or one that was tried out. */
export interface Charted extends Pick<SeriesDetail, 'series' | 'points' | 'drift'> {
  readonly anomalies: readonly MarkedEpisode[]
}

interface ChartProperties {
  detail: Charted
  visible: Zoom
  openedId: string | undefined
  nowMs: number
  onZoom: (zoom: Zoom | undefined) => void
}

/** What the drawing callbacks read; they are made once and must see the newest properties. */
interface Drawing extends ChartProperties {
  columns: ChartColumns
  unit: Unit
  onHover: (place: number | undefined) => void
}

export function Chart(properties: ChartProperties) {
  const { detail, visible, nowMs } = properties
  const container = useRef<HTMLDivElement>(null)
  const [hovered, setHovered] = useState<number>()
  const columns = chartColumns(detail.points)
  const drawing = useRef<Drawing>(null as unknown as Drawing)
  drawing.current = { ...properties, columns, unit: unitOf(detail.series.metric), onHover: setHovered }
  const plots = useRef<readonly uPlot[]>([])

  useEffect(() => startPlots(container.current!, drawing, plots), [])
  useEffect(() => {
    const { seconds, lower, upper, expected, values, anomalous, imputed, scores, highScores } = columns
    plots.current[0]?.setData([seconds, lower, upper, expected, values, anomalous, imputed] as uPlot.AlignedData)
    plots.current[1]?.setData([seconds, scores, highScores] as uPlot.AlignedData)
  }, [detail.points, detail.anomalies, detail.drift, visible.fromMs, visible.toMs, properties.openedId])

  const point = hovered === undefined ? undefined : columns.pointAt[hovered]
  return (
    <figure class="chart">
      <Readout detail={detail} point={point} nowMs={nowMs} />
      <div ref={container} role="img" aria-label={description(properties)} />
    </figure>
  )
}

/** What is under the cursor; without one, what the colours mean. */
function Readout({ detail: { points, series }, point, nowMs }: { detail: Charted; point: number | undefined; nowMs: number }) {
  if (point === undefined) {
    return (
      <figcaption class="legend">
        <span class="key value">value</span>
        <span class="key band">expected band</span>
        <span class="key anomalous">score above 1</span>
        <span class="key episode">anomaly</span>
        <span class="key imputed">filled in</span>
        <small>drag to zoom</small>
      </figcaption>
    )
  }
  const unit = unitOf(series.metric)
  const reason = points.reasons[point]
  return (
    <figcaption class="legend">
      <b>{formatTime(points.timestampsMs[point]!, nowMs)}</b>
      <span>
        value <b>{formatValue(points.values[point], unit)}</b>
        {points.imputed[point] === 1 && ' (filled in)'}
      </span>
      <span>
        expected <b>{formatValue(points.expected[point], unit)}</b> ({formatValue(points.lower[point], unit)} to{' '}
        {formatValue(points.upper[point], unit)})
      </span>
      <span class={points.scores[point]! > 1 ? 'high' : ''}>
        score <b>{formatValue(points.scores[point], '')}</b>
        {reason !== 'none' && ` ${reason}`}
      </span>
    </figcaption>
  )
}

function description({ detail, visible }: ChartProperties): string {
  const inView = detail.anomalies.filter((anomaly) => isVisible(anomaly, visible)).length
  const unit = unitOf(detail.series.metric)
  const { value, lower, upper } = detail.series
  return `Chart of ${detail.series.text}: ${formatValue(value, unit)} now, expected ${formatValue(lower, unit)} to ${formatValue(upper, unit)}, anomalies shown: ${inView}`
}

interface Current<T> {
  current: T
}

/** Returns what removes them. */
function startPlots(container: HTMLElement, drawing: Current<Drawing>, plots: Current<readonly uPlot[]>): () => void {
  const { columns } = drawing.current
  const { seconds, lower, upper, expected, values, anomalous, imputed, scores, highScores } = columns
  const width = container.clientWidth
  const made = [
    new uPlot(
      valueOptions(drawing, width),
      [seconds, lower, upper, expected, values, anomalous, imputed] as uPlot.AlignedData,
      container,
    ),
    new uPlot(scoreOptions(drawing, width), [seconds, scores, highScores] as uPlot.AlignedData, container),
  ]
  plots.current = made
  const resize = new ResizeObserver(() => {
    for (const plot of made) plot.setSize({ width: container.clientWidth, height: plot.height })
  })
  resize.observe(container)
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const redraw = () => {
    for (const plot of made) plot.redraw(false, true)
  }
  dark.addEventListener('change', redraw)
  return () => {
    resize.disconnect()
    dark.removeEventListener('change', redraw)
    for (const plot of made) plot.destroy()
  }
}

function valueOptions(drawing: Current<Drawing>, width: number): uPlot.Options {
  return {
    ...sharedOptions(drawing),
    width,
    height: valueHeight,
    padding: [8, 12, 0, 0],
    scales: {
      x: { range: () => visibleSeconds(drawing.current) },
      y: { range: () => valueRange(drawing.current.detail.points, drawing.current.visible) },
    },
    series: [
      {},
      { ...line('--band-edge', 1) },
      { ...line('--band-edge', 1) },
      { ...line('--expected', 1), dash: [3, 3] },
      { ...line('--value', 1.5) },
      { ...line('--anomalous', 2) },
      { paths: () => null, points: { show: true, size: 4, width: 0, fill: () => colour('--imputed') } },
    ],
    bands: [{ series: [2, 1], fill: () => colour('--band') }],
    axes: [timeAxis(), valueAxis((ticks) => formatTicks(ticks, drawing.current.unit))],
    hooks: {
      drawClear: [(plot) => drawEpisodes(plot, drawing.current)],
      draw: [(plot) => drawDrift(plot, drawing.current), (plot) => drawNewest(plot, drawing.current)],
      setSelect: [(plot) => zoomToSelection(plot, drawing.current)],
      setCursor: [(plot) => drawing.current.onHover(plot.cursor.idx ?? undefined)],
    },
  }
}

function scoreOptions(drawing: Current<Drawing>, width: number): uPlot.Options {
  return {
    ...sharedOptions(drawing),
    width,
    height: scoreHeight,
    padding: [4, 12, 8, 0],
    scales: {
      x: { range: () => visibleSeconds(drawing.current) },
      y: { distr: asinhScale, asinh: 1, range: () => [0, highestScore(drawing.current.detail.points, drawing.current.visible)] },
    },
    series: [
      {},
      { ...line('--score', 1), fill: () => colour('--score-area') },
      { ...line('--anomalous', 1.5), fill: () => colour('--anomalous-area') },
    ],
    axes: [
      { ...timeAxis(), show: false },
      {
        ...valueAxis((ticks) => ticks.map(String)),
        splits: (_plot, _axis, _lowest, highest) => scoreTicks.filter((tick) => tick <= highest),
        filter: (_plot, ticks) => ticks,
        label: 'score',
        labelSize: 14,
        labelFont: axisFont,
        size: axisWidth - 14,
      },
    ],
    hooks: {
      drawClear: [(plot) => drawEpisodes(plot, drawing.current)],
      draw: [drawLimit],
      setSelect: [(plot) => zoomToSelection(plot, drawing.current)],
      setCursor: [(plot) => drawing.current.onHover(plot.cursor.idx ?? undefined)],
    },
  }
}

/** uPlot's number for a scale that is linear up to 1 and logarithmic beyond: a score of 50 must not flatten the limit of 1. */
const asinhScale = 4
const scoreTicks = [0, 1, 10, 100, 1000]
const valueHeight = 300
const scoreHeight = 84
const axisWidth = 68
const axisFont = '11px system-ui, sans-serif'

function sharedOptions(drawing: Current<Drawing>) {
  return {
    ms: 1e-3 as const,
    legend: { show: false },
    cursor: {
      sync: { key: 'lapwing' },
      points: { show: false },
      y: false,
      drag: { x: true, y: false, setScale: false },
      bind: {
        dblclick: () => () => {
          drawing.current.onZoom(undefined)
          return null
        },
      },
    },
  }
}

function line(variable: string, width: number): uPlot.Series {
  return { stroke: () => colour(variable), width, points: { show: false }, spanGaps: false }
}

function timeAxis(): uPlot.Axis {
  return {
    font: axisFont,
    stroke: () => colour('--muted'),
    grid: { stroke: () => colour('--grid'), width: 1 },
    ticks: { show: false },
    size: 26,
    gap: 6,
    space: 70,
    values: (_plot, ticks) => ticks.map((seconds) => formatTick(seconds * 1000, ((ticks[1] ?? 0) - (ticks[0] ?? 0)) * 1000)),
  }
}

function valueAxis(values: (ticks: number[]) => string[]): uPlot.Axis {
  return {
    font: axisFont,
    stroke: () => colour('--muted'),
    grid: { stroke: () => colour('--grid'), width: 1 },
    ticks: { show: false },
    size: axisWidth,
    gap: 8,
    space: 42,
    values: (_plot, ticks) => values(ticks),
  }
}

function visibleSeconds({ visible }: Drawing): [number, number] {
  return [visible.fromMs / 1000, Math.max(visible.toMs, visible.fromMs + 1000) / 1000]
}

function zoomToSelection(plot: uPlot, { onZoom }: Drawing): void {
  const { left, width } = plot.select
  if (width < leastDragPixels) return
  onZoom({ fromMs: plot.posToVal(left, 'x') * 1000, toMs: plot.posToVal(left + width, 'x') * 1000 })
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
}

const leastDragPixels = 6

function isVisible({ startedAtMs, endedAtMs }: MarkedEpisode, visible: Zoom): boolean {
  return startedAtMs <= visible.toMs && (endedAtMs ?? Number.POSITIVE_INFINITY) >= visible.fromMs
}

/** Behind the lines: each episode from its first anomalous sample to its end, or to the newest sample while it is open. */
function drawEpisodes(plot: uPlot, { detail, visible, openedId }: Drawing): void {
  const { ctx: context, bbox } = plot
  const newestMs = detail.points.timestampsMs.at(-1) ?? 0
  context.save()
  for (const anomaly of detail.anomalies) {
    if (!isVisible(anomaly, visible)) continue
    const left = Math.max(bbox.left, position(plot, anomaly.startedAtMs))
    const right = Math.min(bbox.left + bbox.width, position(plot, anomaly.endedAtMs ?? newestMs))
    if (right < bbox.left || left > bbox.left + bbox.width) continue
    const width = Math.max(right - left, 2 * devicePixelRatio)
    context.fillStyle = colour(anomaly.episodeId === openedId ? '--episode-opened' : '--episode')
    context.fillRect(left, bbox.top, width, bbox.height)
    context.fillStyle = colour('--anomalous')
    context.fillRect(left, bbox.top, width, 2 * devicePixelRatio)
  }
  context.restore()
}

function drawDrift(plot: uPlot, { detail, visible }: Drawing): void {
  const { ctx: context, bbox } = plot
  context.save()
  context.strokeStyle = colour('--drift')
  context.fillStyle = colour('--drift')
  context.font = `${10 * devicePixelRatio}px system-ui, sans-serif`
  context.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio])
  const middle = bbox.left + bbox.width / 2
  for (const { atMs, detector } of detail.drift) {
    if (atMs < visible.fromMs || atMs > visible.toMs) continue
    const x = position(plot, atMs)
    strokeLine(context, x, bbox.top, x, bbox.top + bbox.height)
    context.textAlign = x < middle ? 'left' : 'right'
    context.fillText(
      `drift (${detector})`,
      x + (x < middle ? 4 : -4) * devicePixelRatio,
      bbox.top + bbox.height - 6 * devicePixelRatio,
    )
  }
  context.restore()
}

/** A dot at the newest value shows where now is. */
function drawNewest(plot: uPlot, { detail: { points, series }, visible }: Drawing): void {
  const value = points.values.at(-1)
  const atMs = points.timestampsMs.at(-1) ?? 0
  if (value === null || value === undefined || atMs > visible.toMs || atMs < visible.fromMs) return
  const { ctx: context } = plot
  context.save()
  context.fillStyle = colour(series.score > 1 ? '--anomalous' : '--value')
  context.beginPath()
  context.arc(position(plot, atMs), plot.valToPos(value, 'y', true), 3.5 * devicePixelRatio, 0, 2 * Math.PI)
  context.fill()
  context.restore()
}

function drawLimit(plot: uPlot): void {
  const { ctx: context, bbox } = plot
  const y = plot.valToPos(1, 'y', true)
  context.save()
  context.strokeStyle = colour('--anomalous')
  context.globalAlpha = 0.6
  context.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio])
  strokeLine(context, bbox.left, y, bbox.left + bbox.width, y)
  context.restore()
}

function strokeLine(context: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  context.beginPath()
  context.moveTo(x1, y1)
  context.lineTo(x2, y2)
  context.stroke()
}

/** In pixels of the canvas. */
function position(plot: uPlot, timestampMs: number): number {
  return plot.valToPos(timestampMs / 1000, 'x', true)
}

function colour(variable: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim()
}
