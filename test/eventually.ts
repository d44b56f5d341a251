/** Waits for a condition, never for luck: asks again until it holds, and says what was missing when the time is over. */
import { setTimeout as delay } from 'node:timers/promises'

export interface Waiting {
  /** What is waited for, for the message; a function is asked when the time is over. */
  readonly what: string | (() => string)
  readonly deadlineMs: number
  readonly everyMs?: number
}

/** The first result that is neither undefined nor false; a rejection counts as not yet. */
export async function eventually<T>(
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  waiting: Waiting,
): Promise<T> {
  const { what, deadlineMs, everyMs = 500 } = waiting
  const endMs = performance.now() + deadlineMs
  let last: unknown
  while (performance.now() < endMs) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
      last = answer
    } catch (error) {
      last = error
    }
    await delay(everyMs)
  }
  const told = typeof what === 'string' ? what : what()
  throw new Error(`not within ${deadlineMs / 1000} s: ${told} (last: ${String(last)})`)
}
