/** Waits for a condition with a deadline, instead of sleeping for luck. */
import { setTimeout as delay } from 'node:timers/promises'

/** Repeats the assertion until it holds; after the deadline its last failure is thrown. */
export async function eventually(assertion: () => void | Promise<void>, deadlineMs = 25_000): Promise<void> {
  const giveUpAtMs = Date.now() + deadlineMs
  for (;;) {
    try {
      return await assertion()
    } catch (error) {
      if (Date.now() > giveUpAtMs) throw error
      await delay(pollMs)
    }
  }
}

const pollMs = 25
