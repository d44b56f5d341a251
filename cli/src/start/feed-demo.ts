/** The demo workload as the source: started once the ingestor listens, stopped with the rest. */
import { runDemo } from '../demo/send-demo.ts'
import type { Say } from './start.ts'

export interface FeedOptions {
  readonly ingestorUrl: string
  readonly say: Say
  onError(text: string): void
}

/** Begins to send; returns how to stop. */
export function feedDemo({ ingestorUrl, say, onError }: FeedOptions): () => Promise<void> {
  const stopping = new AbortController()
  say('source', 'demo workload (set PROMETHEUS_URL to read yours)')
  const sending = runDemo({ url: `${ingestorUrl}/api/v1/write`, signal: stopping.signal, now: Date.now, log: onError }).catch(
    (error: Error) => {
      if (!stopping.signal.aborted) onError(`demo: ${error.message}`)
    },
  )
  return async () => {
    stopping.abort()
    await sending
  }
}
