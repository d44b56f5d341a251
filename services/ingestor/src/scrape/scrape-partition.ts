/**
 * Scrapes the targets of one partition of `ingest-state` while this replica owns it: static ones, and those that files name now.
 *
 * A target belongs to a partition by its identity, so replicas share them as they share queries, without asking each other.
 */
import { partitionOf } from '@lapwing/contracts/series'
import type { Logger } from 'pino'
import { pause } from '../pause.ts'
import type { ScrapeConfig } from './scrape-settings.ts'
import { type PublishScrape, type ScrapeTools, scrapeTarget } from './scrape-target.ts'
import { watchTargetFiles } from './target-files.ts'
import { changesOf, type Target, targetsOf } from './targets.ts'

export interface Scraping {
  readonly jobs: readonly ScrapeConfig[]
  readonly tools: ScrapeTools
  /** Of `ingest-state`. */
  readonly partitions: number
}

/** Resolves when the signal is aborted. Rejects with any error of the log. */
export async function scrapePartition(
  partition: number,
  { jobs, tools, partitions }: Scraping,
  publish: PublishScrape,
  signal: AbortSignal,
): Promise<void> {
  const isOurs = ({ id }: Target) => partitionOf(Buffer.from(id, 'hex'), partitions) === partition
  await Promise.all(jobs.map((job) => scrapeJob(job, isOurs, tools, publish, signal)))
}

async function scrapeJob(
  job: ScrapeConfig,
  isOurs: (target: Target) => boolean,
  tools: ScrapeTools,
  publish: PublishScrape,
  signal: AbortSignal,
): Promise<void> {
  const discover = discoverer(job, tools.logger)
  const refreshMs = Math.min(...job.file_sd_configs.map(({ refresh_interval }) => refresh_interval.ms), longestPauseMs)
  const scrapes = runningScrapes(tools, publish, signal)
  while (!signal.aborted) {
    scrapes.become(discover().filter(isOurs))
    await Promise.race([pause(refreshMs, signal), scrapes.failure])
  }
  await scrapes.ended()
}

/** Without files there is nothing to find anew. */
const longestPauseMs = 3_600_000

interface RunningScrapes {
  /** Starts and ends scraping, so that these are the targets scraped. */
  become(targets: readonly Target[]): void
  /** Rejects with the first error of the log; never resolves. */
  readonly failure: Promise<never>
  ended(): Promise<void>
}

function runningScrapes(tools: ScrapeTools, publish: PublishScrape, signal: AbortSignal): RunningScrapes {
  const running = new Map<string, { target: Target; remove: () => void; done: Promise<void> }>()
  let fail: (error: unknown) => void = () => undefined
  const failure = new Promise<never>((_, reject) => {
    fail = reject
  })
  // Whoever races against it may be past its race by then.
  failure.catch(() => undefined)
  const start = (target: Target) => {
    const end = new AbortController()
    const stop = () => end.abort()
    signal.addEventListener('abort', stop, { once: true })
    const done = scrapeTarget(target, tools, publish, () => !signal.aborted, end.signal)
      .catch(fail)
      .finally(() => signal.removeEventListener('abort', stop))
    running.set(target.id, { target, remove: stop, done })
  }
  return {
    failure,
    become: (targets) => {
      const { added, removed } = changesOf(
        [...running.values()].map(({ target }) => target),
        targets,
      )
      for (const { id } of removed) {
        running.get(id)?.remove()
        running.delete(id)
      }
      for (const target of added) start(target)
    },
    ended: async () => {
      await Promise.all([...running.values()].map(({ done }) => done))
    },
  }
}

function discoverer(job: ScrapeConfig, logger: Logger): () => Target[] {
  const patterns = job.file_sd_configs.flatMap(({ files }) => files)
  const files = watchTargetFiles(patterns, (file, problem) =>
    logger.error({ job: job.job_name, file }, `targets cannot be read, those before stay: ${problem}`),
  )
  return () => targetsOf(job, [...job.static_configs, ...files.read()])
}
