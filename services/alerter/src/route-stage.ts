/**
 * The second stage as a whole: alert records in, receivers told. One `RoutePartition` per partition that this process owns.
 *
 * A partition that is kept over a rebalance goes on as it is. One that comes is opened from the log, after those that went have
 * stopped, so that no message is told by both when it is the same one.
 */
import type { Log } from '@lapwing/stream/log'
import { runStage, type StageObserver, type Step } from '@lapwing/stream/stage'
import type { FiringAlert } from './feedback/silence-verdicts.ts'
import { openRoutePartition, type RoutePartition, type RoutePartitionOptions } from './route-partition.ts'
import { whenLogAnswers } from './when-log-answers.ts'

export interface RouteStageOptions extends Omit<RoutePartitionOptions, 'fencePrefix' | 'partition' | 'behind'> {
  readonly log: Log
  readonly group: string
  readonly observer: StageObserver
}

export interface RouteStage {
  /** Records without an outcome for this receiver, on all partitions of this process. */
  pending(receiver: string): number
  mutesChanged(): void
  verdictChanged(episodeId: string): void
  /** The alerts of this process that fire and that people are told of. */
  firing(): Iterable<FiringAlert>
  lastActivityMs(): number
  stop(): Promise<void>
}

export async function runRouteStage(options: RouteStageOptions): Promise<RouteStage> {
  const partitions = createPartitions(options)
  const stage = await runStage({
    log: options.log,
    group: options.group,
    inputs: [options.topics.alerts],
    deadLetters: options.topics.deadLetters,
    service: 'alerter',
    createStep: partitions.step,
    observer: {
      ...options.observer,
      assigned: (owned) => {
        options.observer.assigned(owned)
        partitions.assign(owned.get(options.topics.alerts) ?? [])
      },
      batch: (done) => {
        options.observer.batch(done)
        partitions.caughtUp(done.lagRecords === 0)
      },
    },
    onFatal: options.onFatal,
  })
  return {
    pending: partitions.pending,
    mutesChanged: partitions.mutesChanged,
    verdictChanged: partitions.verdictChanged,
    firing: partitions.firing,
    lastActivityMs: stage.lastActivityMs,
    stop: () => stage.stop(partitions.close),
  }
}

interface Partitions {
  /** Keeps, opens and closes, so that it is these that are open. */
  assign(numbers: readonly number[]): void
  step(number: number): Promise<Step>
  /** After every batch: whether it was the newest. */
  caughtUp(isCaughtUp: boolean): void
  pending(receiver: string): number
  mutesChanged(): void
  verdictChanged(episodeId: string): void
  firing(): Iterable<FiringAlert>
  close(): Promise<void>
}

function createPartitions(options: RouteStageOptions): Partitions {
  const opening = new Map<number, Promise<RoutePartition>>()
  const open = new Map<number, RoutePartition>()
  const stopping = new AbortController()
  let closed: Promise<void> = Promise.resolve()
  let behind = false
  const openOne = async (partition: number) => {
    await closed
    const read = () => openRoutePartition({ ...options, fencePrefix: options.group, partition, behind: () => behind })
    return whenLogAnswers(read, { logger: options.logger, signal: stopping.signal })
  }
  const begin = (partition: number) => {
    const promise = openOne(partition)
    opening.set(partition, promise)
    promise.then(
      (opened) => opening.get(partition) === promise && open.set(partition, opened),
      (error: Error) => stopping.signal.aborted || options.onFatal(error),
    )
  }
  const assign = (numbers: readonly number[]) => {
    // Until the group is left it may still give partitions to whoever has just closed.
    if (stopping.signal.aborted && numbers.length > 0) return
    const gone = [...opening].filter(([partition]) => !numbers.includes(partition))
    for (const [partition] of gone) {
      opening.delete(partition)
      open.delete(partition)
    }
    closed = closed.then(() => stopEach(gone.map(([, promise]) => promise)))
    for (const partition of numbers) if (!opening.has(partition)) begin(partition)
  }
  return {
    assign,
    step: async (number) => (await opening.get(number)!).step,
    caughtUp: (isCaughtUp) => {
      behind = !isCaughtUp
      for (const partition of open.values()) partition.ring()
    },
    mutesChanged: () => {
      for (const partition of open.values()) partition.mutesChanged()
    },
    verdictChanged: (episodeId) => {
      // One that is being opened may have been read with the verdict before; one that fails to open says so elsewhere.
      for (const promise of opening.values())
        void promise.then((partition) => partition.verdictChanged(episodeId)).catch(() => {})
    },
    *firing() {
      for (const partition of open.values()) yield* partition.firing()
    },
    pending: (receiver) => [...open.values()].reduce((sum, partition) => sum + partition.pending(receiver), 0),
    close: () => {
      stopping.abort()
      assign([])
      return closed
    },
  }
}

async function stopEach(partitions: readonly Promise<RoutePartition>[]): Promise<void> {
  for (const opened of await Promise.allSettled(partitions)) {
    if (opened.status === 'fulfilled') await opened.value.stop()
  }
}
