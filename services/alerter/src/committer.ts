/**
 * Transactions on the log under one fence, until they succeed: whoever opens the fence later is the one whose writes count.
 *
 * A fenced producer is finished after any failure, and what became of its transaction is not known. It is opened anew and the
 * same records are written again; they are recognised by their ids. Being fenced means that somebody else has taken over: then
 * nothing is written for `fencedWaitMs`, in which an assignment stops this committer. If none comes, the partition is still ours
 * (the other one was late), and it goes on.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { LogError } from '@lapwing/stream/errors'
import type { FencedProducer, Log, OutgoingRecord } from '@lapwing/stream/log'
import type { Logger } from 'pino'

export interface Committer {
  /** Resolves when the records are on the log, or when stopped. Rejects with a LogError that no waiting can cure. */
  commit(records: readonly OutgoingRecord[]): Promise<void>
  close(): Promise<void>
}

export interface CommitterOptions {
  readonly log: Log
  readonly fenceId: string
  readonly logger: Logger
  /** Ends the waiting. */
  readonly signal: AbortSignal
}

/** Takes the fence. Rejects with a LogError. */
export async function openCommitter(options: CommitterOptions): Promise<Committer> {
  let producer: FencedProducer | undefined = await options.log.fencedProducer(options.fenceId)
  let last: Promise<void> = Promise.resolve()
  const commitNow = async (records: readonly OutgoingRecord[]) => {
    for (let failures = 0; records.length > 0 && !options.signal.aborted; failures++) {
      try {
        producer ??= await options.log.fencedProducer(options.fenceId)
        return await producer.commit(records)
      } catch (error) {
        producer = undefined
        await waitAfter(error, failures, options)
      }
    }
  }
  return {
    commit: (records) => {
      const turn = last.then(() => commitNow(records))
      last = turn.catch(() => undefined)
      return turn
    },
    close: async () => {
      await last
      await producer?.close()
    },
  }
}

const firstRetryMs = 250
const longestRetryMs = 2000
/** Longer than the log needs to notice that a member of the group is gone. */
const fencedWaitMs = 60_000

async function waitAfter(error: unknown, failures: number, { logger, signal }: CommitterOptions): Promise<void> {
  if (!(error instanceof LogError) || !(error.retryable || error.code === 'fenced')) throw error
  const retryInMs = error.code === 'fenced' ? fencedWaitMs : Math.min(firstRetryMs * 2 ** failures, longestRetryMs)
  logger.warn({ code: error.code, retryInMs }, `outcomes wait for the log: ${error.message}`)
  // The only rejection is that of the signal, which the caller's loop looks at.
  await delay(retryInMs, undefined, { signal }).catch(() => undefined)
}
