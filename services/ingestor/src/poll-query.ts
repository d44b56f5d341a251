/**
 * Polls one query for as long as this replica owns it: fetch the next window, publish its samples together with the new progress,
 * wait until the next one is due.
 *
 * Samples and progress are committed together, so a crash at any point leaves neither a gap nor a repeat. After a failure of
 * Prometheus the progress stays, and the same window, longer by what has come due, is fetched again after a backoff. An answer
 * that is too large is asked for again in halves.
 */

import type { Trouble } from '@lapwing/contracts/records'
import type { LabelSet } from '@lapwing/contracts/series'
import { pointCount, pointsPerRequestMax } from '@lapwing/prometheus/alignment'
import { type BackoffPolicy, backoffMs } from '@lapwing/prometheus/backoff'
import type { QueryClient } from '@lapwing/prometheus/query-client'
import { QueryError } from '@lapwing/prometheus/query-errors'
import { type SampleRecord, sampleRecords } from '@lapwing/prometheus/sample-batches'
import type { Intake, IntakeRules } from '@lapwing/prometheus/series-intake'
import { inSpan } from '@lapwing/stream/trace-context'
import type { LimitFunction } from 'p-limit'
import type { Logger } from 'pino'
import { askWindow, type Expression, expressionOf } from './ask-query.ts'
import { answersQueries, type IngestMetrics } from './metrics.ts'
import { pause } from './pause.ts'
import { dueAtMs, firstProgress, nextWindow, type PollPolicy, type PollWindow, type Progress } from './poll-plan.ts'
import { polledSamples } from './poll-samples.ts'
import type { Query } from './query.ts'

export interface PollTools {
  readonly client: QueryClient
  /** Bounds the requests at a time over all queries. */
  readonly limit: LimitFunction
  readonly policy: PollPolicy
  /** Between two attempts after a failure; what no retry would mend is tried again after the longest delay. */
  readonly backoff: BackoffPolicy
  readonly rules: IntakeRules
  readonly longestGapMs: number
  /** Partitions of `samples`. */
  readonly partitions: number
  readonly metrics: IngestMetrics
  readonly logger: Logger
  now(): number
  random(): number
}

/** Puts samples and progress on the log, all or nothing. Rejects with a LogError; which of the two it was is then unknown. */
export type PublishPoll = (query: Query, records: readonly SampleRecord[], progress: Progress) => Promise<void>

/** How it goes with a query. */
export interface PollNews {
  /** After each commit, and what it begins with. */
  onProgress(query: Query, progress: Progress): void
  /** It fails, after each try; undefined: it works. A failure that the next try may mend is none before the third. */
  onTrouble(query: Query, trouble: Trouble | undefined): void
}

/**
 * Resolves when the signal is aborted. Rejects with any error of the log: only the log knows then how far the query is.
 *
 * @param known progress found on the log, undefined for a query that was never polled
 */
export async function pollQuery(
  query: Query,
  known: Progress | undefined,
  tools: PollTools,
  publish: PublishPoll,
  { onProgress, onTrouble }: PollNews,
  signal: AbortSignal,
): Promise<void> {
  let progress = known ?? firstProgress(tools.now(), tools.policy)
  let expression: Expression | undefined
  const identities = new WeakMap<LabelSet, Intake>()
  let points = pointsPerRequestMax
  let failures = 0
  let sinceMs = 0
  onProgress(query, progress)
  while (!signal.aborted) {
    const window = nextWindow(progress, tools.now(), points, tools.policy)
    if (!window) {
      await pause(dueAtMs(progress, tools.policy) - tools.now(), signal)
      continue
    }
    try {
      expression ??= await findExpression(query, tools, signal)
      const poll = { query, expression, window, progress, known: identities }
      const attributes = { 'lapwing.query': query.id }
      progress = await inSpan('ingestor', 'poll', { attributes }, () => pollWindow(poll, tools, publish, signal))
      onProgress(query, progress)
      onTrouble(query, undefined)
      if (failures > 0) tools.logger.info({ promql: query.promql, failures }, 'query works again')
      failures = 0
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof QueryError)) throw error
      if (error.code === 'too_large' && pointCount(window.range) > 1) {
        points = Math.ceil(pointCount(window.range) / 2)
        continue
      }
      failures++
      // Who has taken over a query that failed before knows only how far it came.
      if (failures === 1) sinceMs = progress === known ? known.throughMs + tools.policy.stepMs : tools.now()
      if (!error.retryable || failures >= failuresToTell) onTrouble(query, troubleOf(query, error, sinceMs, tools.now()))
      await pause(afterFailure(error, failures, tools), signal)
    }
  }
}

const failuresToTell = 3

function troubleOf({ id, promql }: Query, { code, said }: QueryError, sinceMs: number, atMs: number): Trouble {
  return { subject: id, text: promql.slice(0, longestText), reason: code, message: said, sinceMs, atMs }
}

/** Of an expression as it is told to people: it is recognised by its beginning, and the record stays small. */
const longestText = 1000

async function findExpression(
  query: Query,
  { client, limit, policy, logger }: PollTools,
  signal: AbortSignal,
): Promise<Expression> {
  const expression = await limit(() => expressionOf(query, client, policy.stepMs, signal))
  if (expression.rated) {
    const { promql } = expression
    logger.warn({ query: query.promql, promql }, 'a counter is polled as its rate; write rate() yourself to choose its window')
  }
  return expression
}

interface Poll {
  readonly query: Query
  readonly expression: Expression
  readonly window: PollWindow
  readonly progress: Progress
  readonly known: WeakMap<LabelSet, Intake>
}

/** The progress after the window, once its samples are on the log. */
async function pollWindow(
  { query, expression, window, progress, known }: Poll,
  tools: PollTools,
  publish: PublishPoll,
  signal: AbortSignal,
): Promise<Progress> {
  const { metrics, partitions, policy } = tools
  const startMs = performance.now()
  const answer = await tools.limit(() => askWindow(query, expression, window.range, tools.client, signal))
  metrics.prometheusUp(true)
  const isEvaluated = query.samples === 'evaluated'
  const polled = polledSamples(answer, window, {
    seriesName: expression.seriesName,
    rules: tools.rules,
    longestGapMs: isEvaluated ? tools.longestGapMs : 0,
    known,
  })
  const origin = { source: query.source, kind: window.kind, stepMs: isEvaluated ? policy.stepMs : 0 }
  const next = { ...progress, throughMs: window.range.endMs }
  await publish(query, sampleRecords(polled.series, origin, partitions), next)
  metrics.samples('poll', window.kind, polled.samples, window.range.endMs)
  metrics.imputed(polled.imputed)
  metrics.dropped('poll', 'not_finite', polled.nonFinite)
  metrics.left('poll', polled.left)
  if (polled.firstProblem) tools.logger.warn({ promql: query.promql, samples: polled.left }, `left out: ${polled.firstProblem}`)
  metrics.polled(performance.now() - startMs)
  return next
}

/** Tells of the failure, and how long to wait. */
function afterFailure(error: QueryError, failures: number, { backoff, metrics, logger, random }: PollTools): number {
  metrics.prometheusUp(answersQueries(error.code))
  metrics.pollFailed(error.code)
  const delayMs = error.retryable ? backoffMs(failures, backoff, random, error.retryAfterMs) : backoff.longestMs
  logger.warn({ promql: error.promql, reason: error.code, failures, delayMs: Math.round(delayMs) }, error.message)
  return delayMs
}
