/** The demo workload as the source: started once the ingestor listens, stopped with the rest. */
import { type DemoProgress, runDemo } from '../demo/send-demo.ts'
import { createProgress, type Progress } from '../progress.ts'

export interface FeedOptions {
  readonly ingestorUrl: string
  /** Takes a line for a person. */
  show(text: string): void
}

/** Begins to send; returns how to stop. */
export function feedDemo({ ingestorUrl, show }: FeedOptions): () => Promise<void> {
  const stopping = new AbortController()
  const sending = runDemo({
    url: `${ingestorUrl}/api/v1/write`,
    signal: stopping.signal,
    now: Date.now,
    log: (line) => show(`  ${line}`),
    onProgress: showHistory(),
  }).catch((error: Error) => show(`  demo ended: ${error.message}`))
  return async () => {
    stopping.abort()
    await sending
  }
}

/** A bar while the past is being sent. */
function showHistory(): (progress: DemoProgress) => void {
  let bar: Progress | undefined
  return (progress) => {
    if (progress.phase === 'live') {
      bar?.end()
      bar = undefined
      return
    }
    bar ??= createProgress({
      label: '  history',
      total: progress.samplesInAll,
      stream: process.stderr,
      now: () => performance.now(),
    })
    bar.update(progress.samplesSent)
  }
}
