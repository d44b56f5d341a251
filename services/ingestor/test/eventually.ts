/** Waits for a condition instead of a time. */
import { setTimeout } from 'node:timers/promises'

/** The first result that is not undefined. Rejects after the deadline, with what was waited for. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  deadlineMs = 25_000,
): Promise<T> {
  const endMs = performance.now() + deadlineMs
  while (performance.now() < endMs) {
    const found = await look()
    if (found !== undefined) return found
    await setTimeout(20)
  }
  throw new Error(`not within ${deadlineMs} ms: ${what}`)
}
