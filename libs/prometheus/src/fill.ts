/**
 * Fills short gaps in the points of one series, and says which points are made up.
 *
 * A gap between two points takes the value before it (forward-fill); a gap between the start of the range and the first point
 * takes the value of that point (backward-fill). A gap longer than the limit stays a gap, whole: half of it filled would look
 * like a series that froze and then died. What follows the last point is never filled, because nothing tells a gap from an end.
 *
 * Blind spot: it sees one range, so a gap across two requests is two shorter gaps, and a query that is fetched one step at a time
 * has no gaps to fill. That is meant: for live data a missing point is news.
 */
import { sampleFlags } from '@lapwing/contracts/series-state'

/** Points of one series, timestamps rising, in milliseconds since the epoch. */
export interface Points {
  readonly timestampsMs: readonly number[]
  readonly values: readonly number[]
}

export interface FilledPoints extends Points {
  /** `sampleFlags` of each point. */
  readonly flags: readonly number[]
}

export interface FillPolicy {
  /** Start of the range that was asked for. */
  readonly startMs: number
  readonly stepMs: number
  /** Longest time without a point that is filled; 0 fills nothing. */
  readonly longestGapMs: number
}

export function fillGaps(points: Points, policy: FillPolicy): FilledPoints {
  if (isOneStep(points, policy)) return { timestampsMs: points.timestampsMs, values: points.values, flags: notImputed }
  const filled = { timestampsMs: [] as number[], values: [] as number[], flags: [] as number[] }
  let expectedMs = policy.startMs
  points.timestampsMs.forEach((timestampMs, i) => {
    const value = points.values[i]!
    if (timestampMs - expectedMs <= policy.longestGapMs) {
      const before = i === 0 ? value : points.values[i - 1]!
      for (let atMs = expectedMs; atMs < timestampMs; atMs += policy.stepMs) add(filled, atMs, before, sampleFlags.imputed)
    }
    add(filled, timestampMs, value, 0)
    expectedMs = timestampMs + policy.stepMs
  })
  return filled
}

/** What a poll brings as long as nothing goes wrong: told apart because it is by far the most frequent. */
function isOneStep({ timestampsMs }: Points, { startMs }: FillPolicy): boolean {
  return timestampsMs.length === 1 && timestampsMs[0] === startMs
}

const notImputed: readonly number[] = [0]

function add(
  filled: { timestampsMs: number[]; values: number[]; flags: number[] },
  atMs: number,
  value: number,
  flag: number,
): void {
  filled.timestampsMs.push(atMs)
  filled.values.push(value)
  filled.flags.push(flag)
}
