/**
 * Scrapes one target at its interval for as long as this replica owns it.
 *
 * The first scrape comes at a moment of the interval that depends on the target alone, so that a thousand targets spread over it and
 * two replicas agree. What a scrape brought is put on the log once; while the log does not take it the samples are lost, because
 * nobody can ask a `/metrics` page about its past. A Prometheus in between can.
 */

import { acceptedFormats, ExpositionError, formatOf } from '@lapwing/prometheus/exposition'
import { type Access, createExchange, HttpError } from '@lapwing/prometheus/http-exchange'
import type { IntakeRules } from '@lapwing/prometheus/series-intake'
import type { SeriesSamples } from '@lapwing/prometheus/series-samples'
import type { Logger } from 'pino'
import type { IngestMetrics } from '../metrics.ts'
import { pause } from '../pause.ts'
import { createTargetMemory, endTarget, missScrape, type ScrapedPage, type TargetNaming, takeScrape } from './scraped-series.ts'
import type { Target } from './targets.ts'

/** What all targets share. */
export interface ScrapeTools {
  readonly rules: IntakeRules
  /** Of a job. */
  accessOf(job: Target['job']): Access
  readonly metrics: IngestMetrics
  readonly logger: Logger
  now(): number
}

/** Puts samples on the log. Rejects with a LogError. */
export type PublishScrape = (series: readonly SeriesSamples[]) => Promise<void>

/** Largest page taken. */
const pageBytesMax = 32 * 1024 * 1024

/**
 * Resolves when the signal is aborted. Rejects with any error of the log.
 *
 * @param isGone asked when the signal is aborted: whether the target is gone, and not only ours no longer
 */
export async function scrapeTarget(
  target: Target,
  tools: ScrapeTools,
  publish: PublishScrape,
  isGone: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  const naming: TargetNaming = { labels: target.labels, rules: tools.rules }
  const fetchPage = pageFetcher(target, tools.accessOf(target.job))
  const memory = createTargetMemory()
  while (!signal.aborted) {
    await pause(untilNextScrape(target, tools.now()), signal)
    if (signal.aborted) break
    await publish(await scrapeOnce(target, fetchPage, memory, naming, tools, signal))
  }
  if (isGone()) await publish(endTarget(memory, tools.now(), naming))
}

/** Milliseconds until the next moment of this target, more than 0. */
export function untilNextScrape({ id, job }: Target, nowMs: number): number {
  const intervalMs = job.scrape_interval.ms
  const offsetMs = Number.parseInt(id.slice(0, 8), 16) % intervalMs
  return intervalMs - ((((nowMs - offsetMs) % intervalMs) + intervalMs) % intervalMs)
}

type FetchPage = (signal: AbortSignal) => Promise<ScrapedPage>

function pageFetcher({ url, job }: Target, access: Access): FetchPage {
  const exchange = createExchange(access)
  const timeoutMs = Math.min(job.scrape_timeout.ms, job.scrape_interval.ms)
  const headers = { accept: acceptedFormats, 'x-prometheus-scrape-timeout-seconds': String(timeoutMs / 1000) }
  return async (signal) => {
    const answer = await exchange({ method: 'GET', url, headers, timeoutMs, bytesMax: pageBytesMax }, signal)
    if (answer.status !== 200) throw new HttpError('unreachable', `status ${answer.status}`)
    return { text: answer.text, format: formatOf(answer.header('content-type')) }
  }
}

async function scrapeOnce(
  { url }: Target,
  fetchPage: FetchPage,
  memory: Parameters<typeof takeScrape>[0],
  naming: TargetNaming,
  { metrics, logger, now }: ScrapeTools,
  signal: AbortSignal,
): Promise<readonly SeriesSamples[]> {
  const atMs = now()
  try {
    const page = await fetchPage(signal)
    const outcome = takeScrape(memory, page, atMs, now() - atMs, naming)
    metrics.samples('scrape', 'live', outcome.samples, atMs)
    metrics.dropped('scrape', 'not_finite', outcome.nonFinite)
    metrics.left('scrape', outcome.left)
    metrics.scraped('ok')
    return outcome.series
  } catch (error) {
    if (signal.aborted) return []
    if (!(error instanceof HttpError || error instanceof ExpositionError)) throw error
    const reason = error instanceof HttpError ? error.code : 'malformed'
    metrics.scraped(reason)
    logger.warn({ url, reason }, `scrape failed: ${error.message}`)
    return missScrape(memory, atMs, now() - atMs, naming)
  }
}
