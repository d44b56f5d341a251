/** From the points of a series to what the chart draws: columns with gaps, red where the score is high, and a fair range of values. Pure. */
import type { Points } from '../api-model.ts'
import type { Zoom } from './model.ts'

type Column = (number | null)[]

export interface ChartColumns {
  /** Seconds since the epoch, as uPlot counts. */
  readonly seconds: number[]
  readonly lower: Column
  readonly upper: Column
  readonly expected: Column
  readonly values: Column
  /** Values that were filled in, alone. */
  readonly imputed: Column
  /** Values whose score is above 1, with the one before each, so that even a single one is a line. */
  readonly anomalous: Column
  readonly scores: Column
  readonly highScores: Column
  /** Number of the point at each place; undefined at a gap. */
  readonly pointAt: (number | undefined)[]
}

/** A distance of more than `gapSteps` usual ones is drawn as a gap: a line across it would be invented. */
export function chartColumns(points: Points): ChartColumns {
  const columns: ChartColumns = {
    seconds: [],
    lower: [],
    upper: [],
    expected: [],
    values: [],
    imputed: [],
    anomalous: [],
    scores: [],
    highScores: [],
    pointAt: [],
  }
  const gapMs = gapSteps * usualStepMs(points.timestampsMs)
  points.timestampsMs.forEach((timestampMs, i) => {
    const before = points.timestampsMs[i - 1]
    if (before !== undefined && timestampMs - before > gapMs) push(columns, (before + timestampMs) / 2, points, undefined)
    push(columns, timestampMs, points, i)
  })
  return columns
}

/**
 * Lowest and highest value to draw, from what is visible: all values, and of the band as much as leaves the values their room,
 * because a band that is still wide would flatten the line to nothing.
 */
export function valueRange(points: Points, visible: Zoom): [lowest: number, highest: number] {
  const shown = points.timestampsMs.flatMap((at, i) => (at >= visible.fromMs && at <= visible.toMs ? [i] : []))
  const known = (column: readonly (number | null)[]) => shown.flatMap((i) => column[i] ?? [])
  const [lowest, highest] = extent([...known(points.values), ...known(points.expected)])
  if (lowest > highest) return [0, 1]
  const room = Math.max((highest - lowest) * bandRoom, Math.abs(highest) * 1e-6)
  const [bandLowest, bandHighest] = extent([...known(points.lower), ...known(points.upper), lowest, highest])
  const low = Math.max(bandLowest, lowest - room)
  const high = Math.min(bandHighest, highest + room)
  const margin = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1
  return [low >= 0 && low - margin < 0 ? 0 : low - margin, high + margin]
}

/** The strip under the chart: from 0 to the highest score, at least to a half above the limit of 1. */
export function highestScore(points: Points, visible: Zoom): number {
  const shown = points.scores.filter(
    (_, i) => points.timestampsMs[i]! >= visible.fromMs && points.timestampsMs[i]! <= visible.toMs,
  )
  return Math.max(1.5, extent(shown)[1] * 1.1)
}

const gapSteps = 3
const bandRoom = 0.75

function push(columns: ChartColumns, timestampMs: number, points: Points, i: number | undefined): void {
  const at = (column: readonly (number | null)[]) => (i === undefined ? null : (column[i] ?? null))
  const isHigh = (index: number) => (points.scores[index] ?? 0) > 1
  const value = at(points.values)
  columns.seconds.push(timestampMs / 1000)
  columns.lower.push(at(points.lower))
  columns.upper.push(at(points.upper))
  columns.expected.push(at(points.expected))
  columns.values.push(value)
  columns.imputed.push(i !== undefined && points.imputed[i] === 1 ? value : null)
  columns.anomalous.push(i !== undefined && (isHigh(i) || isHigh(i + 1)) ? value : null)
  columns.scores.push(at(points.scores))
  columns.highScores.push(i !== undefined && isHigh(i) ? at(points.scores) : null)
  columns.pointAt.push(i)
}

/** The median distance, which a few gaps do not move. */
function usualStepMs(timestampsMs: readonly number[]): number {
  const steps = timestampsMs.slice(1).map((at, i) => at - timestampsMs[i]!)
  return steps.sort((a, b) => a - b)[steps.length >> 1] ?? Number.POSITIVE_INFINITY
}

function extent(numbers: readonly number[]): [lowest: number, highest: number] {
  let lowest = Number.POSITIVE_INFINITY
  let highest = Number.NEGATIVE_INFINITY
  for (const number of numbers) {
    if (number < lowest) lowest = number
    if (number > highest) highest = number
  }
  return [lowest, highest]
}
