/**
 * Shares the queries between the replicas: who owns a partition of `ingest-state` in the consumer group polls the queries that
 * have their progress there. There is no other election.
 *
 * Without targets to scrape a partition without queries costs nothing. Losing one ends its polls; a commit in flight may still succeed, because the new
 * owner reads the progress only after it has fenced the old one.
 */
import type { Trouble } from '@lapwing/contracts/records'
import type { ConsumeOptions } from '@lapwing/stream/log'
import { type PartitionPolling, pollPartition } from './poll-partition.ts'
import type { Progress } from './poll-plan.ts'
import type { PollNews } from './poll-query.ts'
import type { Query } from './query.ts'

export interface Poller {
  /** Progress of the queries polled here. */
  readonly progress: ReadonlyMap<string, Progress>
  /** Those of them that fail, by id. */
  readonly troubles: ReadonlyMap<string, Trouble>
  stop(): Promise<void>
}

export interface PollerOptions extends Omit<PartitionPolling, 'news'> {
  readonly group: string
  readonly queries: readonly Query[]
  /** Polling cannot go on: the process must end. */
  onFatal(error: Error): void
}

export async function startPoller(options: PollerOptions): Promise<Poller> {
  const progress = new Map<string, Progress>()
  const troubles = new Map<string, Trouble>()
  const held = new Map<number, { release: AbortController; done: Promise<void> }>()
  const letGo = (partition: number) => {
    held.get(partition)?.release.abort()
    held.delete(partition)
    for (const { id, partition: place } of options.queries) {
      if (place !== partition) continue
      progress.delete(id)
      troubles.delete(id)
    }
  }
  const take = (partition: number) => {
    const queries = options.queries.filter((query) => query.partition === partition)
    if ((queries.length === 0 && options.scraping.jobs.length === 0) || held.has(partition)) return
    const release = new AbortController()
    const news: PollNews = {
      onProgress: ({ id }, at) => {
        if (!release.signal.aborted) progress.set(id, at)
      },
      onTrouble: ({ id }, trouble) => {
        if (release.signal.aborted) return
        if (trouble) troubles.set(id, trouble)
        else troubles.delete(id)
      },
    }
    const done = pollPartition(partition, queries, { ...options, news }, release.signal).catch(options.onFatal)
    held.set(partition, { release, done })
  }
  const consumption = await options.log.consume({
    group: options.group,
    topics: [options.topics.ingestState],
    from: 'latest',
    onAssignment: (assignment) => {
      const owned = assignment.get(options.topics.ingestState) ?? []
      for (const partition of [...held.keys()]) if (!owned.includes(partition)) letGo(partition)
      for (const partition of owned) take(partition)
    },
    onBatch: ignoreOwnRecords,
    onFatal: options.onFatal,
  })
  return {
    progress,
    troubles,
    stop: async () => {
      const ending = [...held.values()].map(({ done }) => done)
      for (const partition of [...held.keys()]) letGo(partition)
      await Promise.all(ending)
      await consumption.stop()
    },
  }
}

/** The group is there for the assignment; what stands in the topic is read at each take-over. */
const ignoreOwnRecords: ConsumeOptions['onBatch'] = async () => {}
