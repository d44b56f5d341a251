/** Waits for the log and its topics at start: a broker that is down is a state to wait in, said once a try, not a reason to crash. */
import { setTimeout } from 'node:timers/promises'
import type { TopicSpec } from '@lapwing/contracts/topics'
import { LogError } from './errors.ts'
import type { Log } from './log.ts'
import { retryDelayMs } from './retry-delay.ts'

export interface Waiting {
  /** Called before each retry, with the error and the time until then. */
  onRetry(error: LogError, delayMs: number): void
  /** Ends the waiting. */
  readonly signal: AbortSignal
}

/** Sentences about differences that were left as they are. Rejects with a LogError that is not retryable, or when aborted. */
export async function prepareTopics(log: Log, specs: readonly TopicSpec[], { onRetry, signal }: Waiting): Promise<string[]> {
  for (let failures = 1; ; failures++) {
    try {
      return await log.ensureTopics(specs)
    } catch (error) {
      if (!(error instanceof LogError) || !error.retryable || signal.aborted) throw error
      const delayMs = retryDelayMs(failures)
      onRetry(error, delayMs)
      await setTimeout(delayMs, undefined, { signal }).catch(() => {
        throw error
      })
    }
  }
}
