/**
 * Polls the queries and scrapes the targets of one partition of `ingest-state` while this replica owns it.
 *
 * Taking over: first the fence, which refuses every older owner from then on, then the progress its queries had, then polling.
 * In that order no commit of an older owner can come after the progress was read. Whenever the log fails, the partition is
 * taken over anew after a pause, because a commit without an answer may have happened or not, and the progress on the log
 * tells. That also covers the replica that was fenced itself: of two that both believe to own a partition only the one that
 * fenced last gets anything onto the log, until the group has made up its mind.
 */
import { setMaxListeners } from 'node:events'
import { backoffMs } from '@lapwing/prometheus/backoff'
import type { QueryClient } from '@lapwing/prometheus/query-client'
import { sampleRecords } from '@lapwing/prometheus/sample-batches'
import { LogError } from '@lapwing/stream/errors'
import type { Log, LogRecord } from '@lapwing/stream/log'
import { carrying, inSpan } from '@lapwing/stream/trace-context'
import type { Logger } from 'pino'
import { type Commit, groupedCommits } from './grouped-commits.ts'
import { pause } from './pause.ts'
import type { Progress } from './poll-plan.ts'
import { type PollNews, type PollTools, type PublishPoll, pollQuery } from './poll-query.ts'
import { decodeProgress, encodeProgress } from './progress-record.ts'
import type { Query } from './query.ts'
import { type Scraping, scrapePartition } from './scrape/scrape-partition.ts'
import type { PublishScrape } from './scrape/scrape-target.ts'

export interface PollTopics {
  readonly samples: string
  readonly ingestState: string
  /** Prefix of the fence ids, one for each partition. */
  readonly fence: string
}

export interface PartitionPolling {
  readonly log: Log
  readonly topics: PollTopics
  /** undefined: there is no Prometheus, and there are no queries. */
  readonly client: QueryClient | undefined
  readonly tools: Omit<PollTools, 'client'>
  readonly scraping: Scraping
  readonly news: PollNews
}

/** Resolves when the signal is aborted. Rejects with what cannot be mended by trying again. */
export async function pollPartition(
  partition: number,
  queries: readonly Query[],
  polling: PartitionPolling,
  signal: AbortSignal,
): Promise<void> {
  const { logger, metrics, now, random } = polling.tools
  const backoff = { ...polling.tools.backoff, longestMs: Math.min(polling.tools.backoff.longestMs, longestLogPauseMs) }
  let failures = 0
  while (!signal.aborted) {
    const startMs = now()
    try {
      await ownPartition(partition, queries, polling, signal)
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof LogError) || !(error.retryable || error.code === 'fenced')) throw error
      metrics.pollFailed(error.code)
      // What worked for a while before it failed is a failure of its own.
      failures = now() - startMs > workedMs ? 1 : failures + 1
      const delayMs = backoffMs(failures, backoff, random, 0)
      logger.warn({ partition, reason: error.code, delayMs: Math.round(delayMs) }, `polling stopped: ${error.message}`)
      await pause(delayMs, signal)
    }
  }
}

/** Every second that the log is back and nobody polls is a second late. */
const longestLogPauseMs = 10_000
/** Longer than any attempt lasts that fails because the log is away. */
const workedMs = 120_000

async function ownPartition(
  partition: number,
  queries: readonly Query[],
  polling: PartitionPolling,
  signal: AbortSignal,
): Promise<void> {
  const { log, topics, tools } = polling
  const producer = await log.fencedProducer(`${topics.fence}-${partition}`)
  const lost = new AbortController()
  const end = () => lost.abort()
  signal.addEventListener('abort', end, { once: true })
  // One for each query and target, more than Node thinks meant.
  setMaxListeners(0, lost.signal)
  try {
    const known = latestProgress(await log.readToEnd(topics.ingestState, partition), tools.logger)
    const commit = groupedCommits(producer)
    const publish = publisher(commit, topics)
    const work = pollsOf(queries, known, polling, publish, lost.signal)
    work.push(scrapePartition(partition, polling.scraping, scrapePublisher(commit, topics, tools.partitions), lost.signal))
    await Promise.all(work).finally(async () => {
      end()
      await Promise.allSettled(work)
    })
  } finally {
    signal.removeEventListener('abort', end)
    await producer.close()
  }
}

function pollsOf(
  queries: readonly Query[],
  known: ReadonlyMap<string, Progress>,
  { client, tools, news }: PartitionPolling,
  publish: PublishPoll,
  signal: AbortSignal,
): Promise<void>[] {
  if (!client) return []
  const withClient = { ...tools, client }
  return queries.map((query) => pollQuery(query, known.get(query.id), withClient, publish, news, signal))
}

/** The newest readable progress of each query. */
function latestProgress(records: readonly LogRecord[], logger: Logger): Map<string, Progress> {
  const known = new Map<string, Progress>()
  for (const { key, value, offset } of records) {
    if (!key || !value) continue
    try {
      known.set(Buffer.from(key).toString(), decodeProgress(value))
    } catch (error) {
      logger.error({ err: error, offset: String(offset) }, 'progress of a query cannot be read; what was read before it counts')
    }
  }
  return known
}

/** Samples and progress in one transaction. */
function publisher(commit: Commit, topics: PollTopics): PublishPoll {
  return async (query, records, progress) => {
    const samples = records.map((record) => carrying({ topic: topics.samples, key: null, ...record }))
    const state = {
      topic: topics.ingestState,
      partition: query.partition,
      key: Buffer.from(query.id),
      value: encodeProgress(progress),
    }
    await commit([...samples, state])
  }
}

/** Samples alone: a page has no past, so there is no progress to keep. */
function scrapePublisher(commit: Commit, { samples: topic }: PollTopics, partitions: number): PublishScrape {
  return async (series) => {
    const records = sampleRecords(series, { source: 'scrape', kind: 'live', stepMs: 0 }, partitions)
    await inSpan('ingestor', 'scrape', {}, () => commit(records.map((record) => carrying({ topic, key: null, ...record }))))
  }
}
