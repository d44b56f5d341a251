/** Waiting that ends early when nobody waits any more. */
import { setTimeout } from 'node:timers/promises'

/** Resolves after the delay, or as soon as the signal is aborted. */
export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(delayMs, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
