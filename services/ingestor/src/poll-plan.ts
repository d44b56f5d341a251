/**
 * What to ask Prometheus next, for one query: the decision at the heart of polling.
 *
 * A query's progress is the newest step whose samples are on the log. The next window begins one step later and ends
 * behind now, so whatever failed, the window after it covers the gap, each step once. A query without progress begins with the
 * warm-up window; its samples are history, learned from and never alerted on, and so are those of an outage longer ago than
 * `newsAgeMs`: an alert about them would help nobody.
 *
 * Blind spot: progress in the future (a clock that was wrong) stops the query until then; the lag metric is negative meanwhile.
 */

import type { BatchKind } from '@lapwing/contracts/records'
import { alignDown, type EvaluationRange, splitRange } from '@lapwing/prometheus/alignment'

export interface PollPolicy {
  /** Distance between two evaluations. */
  readonly stepMs: number
  /** Least time between two requests. */
  readonly pollIntervalMs: number
  /** How far to stay behind now. */
  readonly latenessMs: number
  /** Length of the warm-up window. */
  readonly historyMs: number
}

/** Durable, a record of `ingest-state` for each query. Milliseconds since the epoch. */
export interface Progress {
  /** The newest step whose samples are on the log. */
  readonly throughMs: number
  /** Steps up to this one belong to the warm-up. */
  readonly historyUntilMs: number
}

/** One request: its samples are all of one kind. */
export interface PollWindow {
  readonly range: EvaluationRange
  readonly kind: BatchKind
}

/** After an outage of up to this long, what was missed is still news. */
export const newsAgeMs = 3_600_000

/** Where a query begins that was never polled. */
export function firstProgress(nowMs: number, policy: PollPolicy): Progress {
  const untilMs = newestStep(nowMs, policy)
  return { throughMs: alignDown(untilMs - policy.historyMs, policy.stepMs) - policy.stepMs, historyUntilMs: untilMs }
}

/** When the next window is worth a request. */
export function dueAtMs(progress: Progress, policy: PollPolicy): number {
  return alignDown(progress.throughMs, policy.stepMs) + Math.max(policy.stepMs, policy.pollIntervalMs) + policy.latenessMs
}

/** The window to fetch now, of at most `points` steps; undefined when none is due. */
export function nextWindow(progress: Progress, nowMs: number, points: number, policy: PollPolicy): PollWindow | undefined {
  if (nowMs < dueAtMs(progress, policy)) return undefined
  const startMs = alignDown(progress.throughMs, policy.stepMs) + policy.stepMs
  const untilMs = newestStep(nowMs, policy)
  const historyUntilMs = Math.max(progress.historyUntilMs, untilMs - policy.pollIntervalMs - newsAgeMs)
  const kind = startMs <= historyUntilMs ? 'history' : 'live'
  const endMs = kind === 'history' ? Math.min(untilMs, alignDown(historyUntilMs, policy.stepMs)) : untilMs
  const [range] = splitRange({ startMs, endMs, stepMs: policy.stepMs }, points)
  return range && { range, kind }
}

function newestStep(nowMs: number, { latenessMs, stepMs }: PollPolicy): number {
  return alignDown(nowMs - latenessMs, stepMs)
}
