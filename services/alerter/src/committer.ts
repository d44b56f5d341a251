/**
 * Transactions on the log under one fence, until they succeed: whoever opens the fence later is the one whose writes count.
 *
 * A fenced producer is finished after any failure, and what became of its transaction is not known. It is opened anew and the
 * same records are written again; they are recognised by their ids. Being fenced means that somebody else has taken over: then
 * nothing is written for `fencedWaitMs`, in which an assignment stops this committer. If none comes, the partition is still ours
 * (the other one was late), and it goes on.
 */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import { LogError } from '@lapwing/stream/errors'
import type { FencedProducer, Log, OutgoingRecord } from '@lapwing/stream/log'
import type { Logger } from 'pino'

export interface Committer {
  /** Resolves when the records are on the log, or when stopped. Rejects with a LogError that no waiting can cure. */
  commit(records: readonly OutgoingRecord[]): Promise<void>
  /** As `commit`, for what no message waits for: it goes with the next `commit`, in its order, at the latest after `gatherMs`. */
  commitSoon(records: readonly OutgoingRecord[]): Promise<void>
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
  const turns = createTurns(commitNow)
  return {
    commit: turns.take,
    commitSoon: turns.takeSoon,
    close: async () => {
      await turns.idle()
      await producer?.close()
    },
  }
}

/** Requests are put together up to this size; one alone may be larger. */
const bytesPerTransaction = 256 * 1024

/** So that a stream of records that nobody is told of costs five transactions a second, and one that is told seldom meets one under way. */
const gatherMs = 200

/**
 * One transaction after the other; what comes in the same turn, or while one is under way, goes into the next together, so nobody waits
 * for more than two.
 */
function createTurns(commit: (records: readonly OutgoingRecord[]) => Promise<void>) {
  const waiting: { records: readonly OutgoingRecord[]; done(): void; failed(error: unknown): void }[] = []
  let working: Promise<void> | undefined
  let gathering: NodeJS.Timeout | undefined
  const work = async () => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, 1)
      let bytes = sizeOf(batch[0]!.records)
      while (waiting.length > 0 && bytes + sizeOf(waiting[0]!.records) <= bytesPerTransaction) {
        bytes += sizeOf(waiting[0]!.records)
        batch.push(waiting.shift()!)
      }
      try {
        await commit(batch.flatMap(({ records }) => records))
        for (const { done } of batch) done()
      } catch (error) {
        for (const { failed } of batch) failed(error)
      }
    }
    working = undefined
  }
  const begin = () => {
    clearTimeout(gathering)
    gathering = undefined
    working ??= nextTurn().then(work)
  }
  const queued = (records: readonly OutgoingRecord[]) =>
    new Promise<void>((done, failed) => waiting.push({ records, done, failed }))
  return {
    take: (records: readonly OutgoingRecord[]) => {
      const written = queued(records)
      begin()
      return written
    },
    takeSoon: (records: readonly OutgoingRecord[]) => {
      const written = queued(records)
      gathering ??= setTimeout(begin, gatherMs)
      return written
    },
    idle: async () => {
      if (waiting.length > 0) begin()
      await working
    },
  }
}

function sizeOf(records: readonly OutgoingRecord[]): number {
  return records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0)
}

const firstRetryMs = 250
const longestRetryMs = 2000
/** Longer than the log needs to notice that a member of the group is gone. */
const fencedWaitMs = 60_000

async function waitAfter(error: unknown, failures: number, { logger, signal }: CommitterOptions): Promise<void> {
  if (!(error instanceof LogError) || !(error.retryable || error.code === 'fenced')) throw error
  const retryInMs = error.code === 'fenced' ? fencedWaitMs : Math.min(firstRetryMs * 2 ** failures, longestRetryMs)
  // Told once until something is written again; the broker may be away for hours.
  const level = failures === 0 || error.code === 'fenced' ? 'warn' : 'debug'
  logger[level]({ code: error.code, retryInMs }, `outcomes wait for the log: ${error.message}`)
  // The only rejection is that of the signal, which the caller's loop looks at.
  await delay(retryInMs, undefined, { signal }).catch(() => undefined)
}
