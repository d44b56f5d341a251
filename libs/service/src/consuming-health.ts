/** Readiness of whoever consumes: a process that lives and hears nothing from the log is not ready. */
import type { Health } from './health.ts'

/** What is looked at of a consumption. */
export interface Heard {
  /** Last sign of life of the log, milliseconds of the monotonic clock; undefined where nothing is consumed yet. */
  lastActivityMs(): number | undefined
}

/** As long as a session: after that others have the partitions. */
const silenceMs = 30_000

/**
 * Adds a condition that fails while nothing was heard for as long as a session lasts.
 *
 * @param nowMs of the same clock as the signs
 */
export function watchConsuming(health: Health, name: string, heard: Heard, nowMs: () => number = () => performance.now()): void {
  health.watch(name, () => {
    const heardMs = heard.lastActivityMs()
    if (heardMs === undefined) return 'not consumed yet'
    const silentMs = nowMs() - heardMs
    return silentMs <= silenceMs || `nothing was heard from the log for ${Math.floor(silentMs / 1000)} s`
  })
}
