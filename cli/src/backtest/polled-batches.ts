/**
 * The sample batches that the ingestor would have put on the log while a past range was the present: the poller's own plan and
 * intake (`services/ingestor`), on a clock that is set to whenever the next window is due.
 */
import { dueAtMs, firstProgress, nextWindow, type PollPolicy } from '@lapwing/ingestor/poll-plan'
import { polledSamples, type SampleNaming } from '@lapwing/ingestor/poll-samples'
import { pointsPerRequestMax } from '@lapwing/prometheus/alignment'
import { type PartitionedBatch, sampleBatches } from '@lapwing/prometheus/sample-batches'
import type { Recording } from './recording.ts'

/** What one window brought. */
export interface PolledWindow {
  /** When the poller would have asked. */
  readonly askedAtMs: number
  /** The newest step of the window. */
  readonly throughMs: number
  readonly batches: readonly PartitionedBatch[]
}

export interface RecordedQuery {
  readonly source: string
  readonly samples: 'evaluated' | 'scraped'
  readonly recording: Recording
  readonly naming: SampleNaming
}

export interface PolledRange {
  /** When the query was first polled: the history before it warms up. */
  readonly fromMs: number
  /** The last step. */
  readonly toMs: number
  readonly policy: PollPolicy
  readonly partitions: number
}

/** In the order of time; of two queries that are due at one time, in their order. */
export async function* polledBatches(queries: readonly RecordedQuery[], range: PolledRange): AsyncGenerator<PolledWindow> {
  const polls = queries.map((query) => ({ query, windows: windowsOf(query, range) }))
  const heads = await Promise.all(polls.map(({ windows }) => windows.next()))
  for (;;) {
    let next = -1
    for (let i = 0; i < heads.length; i++) {
      if (heads[i]!.done) continue
      if (next === -1 || heads[i]!.value!.askedAtMs < heads[next]!.value!.askedAtMs) next = i
    }
    if (next === -1) return
    yield heads[next]!.value!
    heads[next] = await polls[next]!.windows.next()
  }
}

async function* windowsOf(
  query: RecordedQuery,
  { fromMs, toMs, policy, partitions }: PolledRange,
): AsyncGenerator<PolledWindow, undefined> {
  const isEvaluated = query.samples === 'evaluated'
  let askedAtMs = fromMs + policy.latenessMs
  let progress = firstProgress(askedAtMs, policy)
  while (progress.throughMs < toMs) {
    const window = nextWindow(progress, askedAtMs, pointsPerRequestMax, policy)
    if (!window) {
      askedAtMs = dueAtMs(progress, policy)
      if (askedAtMs > toMs + policy.latenessMs) return
      continue
    }
    const answer = await query.recording.ask(window.range)
    const { series } = polledSamples(answer, window, query.naming)
    const origin = { source: query.source, kind: window.kind, stepMs: isEvaluated ? policy.stepMs : 0 }
    progress = { ...progress, throughMs: window.range.endMs }
    yield { askedAtMs, throughMs: window.range.endMs, batches: sampleBatches(series, origin, partitions) }
  }
}
