/**
 * Evaluation times of range queries: aligned to multiples of the step, and split to what one request may ask for.
 *
 * Prometheus evaluates at `start + k * step`. Two overlapping requests therefore agree on their points only when both start at
 * a multiple of the step; every range here does, so ranges can be cut anywhere and put together again without a gap or a repeat.
 *
 * Source: Prometheus HTTP API, "Range queries"; the limit of 11,000 points stands in web/api/v1/api.go.
 */

/** Both ends are evaluated; both are multiples of the step. Milliseconds since the epoch. */
export interface EvaluationRange {
  readonly startMs: number
  readonly endMs: number
  readonly stepMs: number
}

/** Points of one series that Prometheus answers at most in one request. */
export const pointsPerRequestMax = 11_000

/** The newest multiple of the step at or before the time. */
export function alignDown(timeMs: number, stepMs: number): number {
  return Math.floor(timeMs / stepMs) * stepMs
}

/** Evaluations in a range; 0 when it ends before it starts. */
export function pointCount({ startMs, endMs, stepMs }: EvaluationRange): number {
  return Math.max(0, Math.floor((endMs - startMs) / stepMs) + 1)
}

/** The range as consecutive ranges of at most `points` evaluations, oldest first: each step is in exactly one of them. */
export function splitRange(range: EvaluationRange, points: number): EvaluationRange[] {
  const { startMs, endMs, stepMs } = range
  const parts: EvaluationRange[] = []
  for (let fromMs = startMs; fromMs <= endMs; fromMs += points * stepMs) {
    parts.push({ startMs: fromMs, endMs: Math.min(endMs, fromMs + (points - 1) * stepMs), stepMs })
  }
  return parts
}
