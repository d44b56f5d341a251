/**
 * How long to wait before the next try: doubling from a quarter of a second to five seconds.
 *
 * Without jitter: what waits here are a few consumers of one broker, and a fixed row makes a simulation repeatable.
 */

/** @param failures tries that have failed so far, at least 1 */
export function retryDelayMs(failures: number): number {
  return Math.min(firstDelayMs * 2 ** (failures - 1), longestDelayMs)
}

const firstDelayMs = 250
const longestDelayMs = 5000
