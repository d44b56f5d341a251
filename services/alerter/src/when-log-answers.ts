/** Reads from the log until it answers: one that is away for a moment must not end a service that takes over a partition. */
import { setTimeout as delay } from 'node:timers/promises'
import { LogError } from '@lapwing/stream/errors'
import type { Logger } from 'pino'

/** Rejects with a LogError that no waiting can cure, and with any when aborted. */
export async function whenLogAnswers<T>(
  read: () => Promise<T>,
  { logger, signal }: { logger: Logger; signal: AbortSignal },
): Promise<T> {
  for (;;) {
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof LogError) || !error.retryable || signal.aborted) throw error
      logger.warn({ code: error.code, retryInMs: retryDelayMs }, `alert state cannot be read: ${error.message}`)
      await delay(retryDelayMs, undefined, { signal })
    }
  }
}

const retryDelayMs = 1000
