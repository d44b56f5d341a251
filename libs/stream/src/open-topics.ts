/** What every service does with the log at its start: wait for it, say so once per try, be not ready meanwhile. */
import type { TopicSpec } from '@lapwing/contracts/topics'
import type { Log } from './log.ts'
import { prepareTopics } from './prepare-topics.ts'

/** The part of a service that is needed; typed by shape, because this library does not know services. */
export interface WaitingService {
  readonly health: { declare(name: string, why: string): void; set(name: string, state: true | string): void }
  readonly logger: { warn(object: object, message: string): void }
  onClose(name: string, close: () => Promise<void>): void
}

/** Resolves when all topics are there. Rejects with a LogError that no waiting can cure. */
export async function openTopics(
  log: Log,
  specs: readonly TopicSpec[],
  { health, logger, onClose }: WaitingService,
): Promise<void> {
  const waiting = new AbortController()
  health.declare('log', 'not asked yet')
  onClose('waiting for the log', async () => waiting.abort())
  const differences = await prepareTopics(log, specs, {
    signal: waiting.signal,
    onRetry: (error, delayMs) => {
      health.set('log', error.message)
      logger.warn({ code: error.code, retryInMs: delayMs }, error.message)
    },
  })
  for (const difference of differences) logger.warn({}, difference)
  health.set('log', true)
}
