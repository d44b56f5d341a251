/**
 * The course of a series around its episode, from Prometheus, for the line in a message.
 *
 * A message does not wait for it: what is not there in a moment, or cannot be had, is left out. Series that are not in that Prometheus
 * under the labels that Lapwing knows (the result of an expression, or one that was relabelled) have none.
 */
import type { Alert } from '@lapwing/contracts/records'
import { seriesText } from '@lapwing/contracts/series'
import { createQueryClient } from '@lapwing/prometheus/query-client'
import { QueryError } from '@lapwing/prometheus/query-errors'
import type { Logger } from 'pino'

export interface SeriesWindow {
  /** Evenly spaced, oldest first, NaN where there is none; empty when nothing is known. */
  readonly values: readonly number[]
  /** Of the first value. */
  readonly startMs: number
  readonly stepMs: number
}

/** Does not reject. */
export type WindowOf = (alert: Alert, signal: AbortSignal) => Promise<SeriesWindow>

/** Where nothing is known. */
export const noWindow: SeriesWindow = { values: [], startMs: 0, stepMs: 1 }

/** Of what is to be delivered within half a second. */
const timeoutMs = 250
const points = 30
const leastStepMs = 15_000
/** At least so long before the beginning. */
const beforeMs = 15 * 60_000

export function createWindowSource(url: string, logger: Logger): WindowOf {
  const client = createQueryClient({ url, timeoutMs })
  return async (alert, signal) => {
    if (!alert.labels.some(({ name }) => name === '__name__')) return noWindow
    const range = rangeOf(alert)
    try {
      const [series] = await client.queryRange(seriesText(alert.labels), range, signal)
      return series ? { ...range, values: spread(series, range) } : noWindow
    } catch (error) {
      if (!(error instanceof QueryError) && !signal.aborted) throw error
      logger.debug({ err: error, alert: alert.id }, 'a message goes without its line')
      return noWindow
    }
  }
}

interface Range {
  readonly startMs: number
  readonly endMs: number
  readonly stepMs: number
}

/** Whole steps, the last of them the newest sample that is known. */
function rangeOf({ startedAtMs, observedAtMs, endedAtMs }: Alert): Range {
  const lastMs = Math.max(observedAtMs, endedAtMs ?? 0)
  const spanMs = Math.max(lastMs - startedAtMs, 0) + beforeMs
  const stepMs = Math.max(leastStepMs, Math.ceil(spanMs / points / 1000) * 1000)
  const endMs = Math.floor(lastMs / stepMs) * stepMs
  return { startMs: endMs - (points - 1) * stepMs, endMs, stepMs }
}

function spread(
  { timestampsMs, values }: { timestampsMs: readonly number[]; values: readonly number[] },
  { startMs, stepMs }: Range,
): number[] {
  const all = Array.from({ length: points }, () => Number.NaN)
  timestampsMs.forEach((atMs, i) => {
    all[Math.round((atMs - startMs) / stepMs)] = values[i]!
  })
  return all.slice(0, points)
}
