/**
 * The second stage as a whole: alert records in, receivers told. One `RoutePartition` per partition that this process owns.
 *
 * After every assignment all partitions are opened anew from the log, retained ones too: between two assignments somebody else
 * may have owned them, and only the log knows what was told. The old ones stop first, so no message is told by both.
 */
import type { Log } from '@lapwing/stream/log'
import { runStage, type StageObserver, type Step } from '@lapwing/stream/stage'
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
        partitions.open(owned.get(options.topics.alerts) ?? [])
      },
      batch: (topic, records, durationMs, lagRecords) => {
        options.observer.batch(topic, records, durationMs, lagRecords)
        partitions.caughtUp(lagRecords === 0)
      },
    },
    onFatal: options.onFatal,
  })
  return {
    pending: partitions.pending,
    stop: async () => {
      await stage.stop()
      await partitions.close()
    },
  }
}

interface Partitions {
  /** Replaces what is open by these. */
  open(numbers: readonly number[]): void
  step(number: number): Promise<Step>
  /** After every batch: whether it was the newest. */
  caughtUp(isCaughtUp: boolean): void
  pending(receiver: string): number
  close(): Promise<void>
}

function createPartitions(options: RouteStageOptions): Partitions {
  let opening = new Map<number, Promise<RoutePartition>>()
  let open: RoutePartition[] = []
  let closed: Promise<void> = Promise.resolve()
  let behind = false
  const stopping = new AbortController()
  const { logger } = options
  const replace = (numbers: readonly number[]) => {
    const former = [...opening.values()]
    open = []
    closed = closed.then(() => stopEach(former))
    const opened: RoutePartition[] = open
    const openOne = async (partition: number) => {
      await closed
      const open = () => openRoutePartition({ ...options, fencePrefix: options.group, partition, behind: () => behind })
      const one = await whenLogAnswers(open, { logger, signal: stopping.signal })
      opened.push(one)
      return one
    }
    opening = new Map(numbers.map((partition) => [partition, openOne(partition)]))
    for (const promise of opening.values()) promise.catch((error: Error) => stopping.signal.aborted || options.onFatal(error))
  }
  return {
    open: replace,
    step: async (number) => (await opening.get(number)!).step,
    caughtUp: (isCaughtUp) => {
      behind = !isCaughtUp
      for (const partition of open) partition.ring()
    },
    pending: (receiver) => open.reduce((sum, partition) => sum + partition.pending(receiver), 0),
    close: () => {
      stopping.abort()
      replace([])
      return closed
    },
  }
}

async function stopEach(partitions: readonly Promise<RoutePartition>[]): Promise<void> {
  for (const opened of await Promise.allSettled(partitions)) {
    if (opened.status === 'fulfilled') await opened.value.stop()
  }
}
