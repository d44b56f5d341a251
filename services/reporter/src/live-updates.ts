/** Once a second: what has changed since, to all connected pages. Nothing is computed while nobody looks. */
import type { Overview } from './api-model.ts'
import { type HistoryStore, unlessUnavailable } from './history-store.ts'
import type { LiveFeed } from './live-feed.ts'
import type { Projection } from './projection.ts'
import { anomalyView, liveSeries } from './views.ts'

export interface LiveUpdateSources {
  readonly feed: LiveFeed
  readonly projection: Projection
  readonly history: HistoryStore
  /** Ids of episodes that changed; emptied here. */
  readonly changedEpisodes: Set<string>
  overview(): Promise<Overview>
  onError(error: Error): void
}

/** Returns what ends it. */
export function runLiveUpdates(sources: LiveUpdateSources): () => Promise<void> {
  let publishing: Promise<void> = Promise.resolve()
  let idle = true
  const tick = setInterval(() => {
    if (!idle) return
    idle = false
    publishing = publishChanges(sources)
      .catch(sources.onError)
      .finally(() => {
        idle = true
      })
  }, tickMs)
  const keepAlive = setInterval(sources.feed.keepAlive, keepAliveMs)
  return async () => {
    clearInterval(tick)
    clearInterval(keepAlive)
    await publishing
    sources.feed.close()
  }
}

/** Publishes and forgets the changes. Beyond the limits a page is behind until it reads the lists again, as it does every few seconds. */
export async function publishChanges({ feed, projection, history, changedEpisodes, overview }: LiveUpdateSources): Promise<void> {
  const touched = [...projection.touched]
  projection.touched.clear()
  const ids = [...changedEpisodes].slice(-liveAnomaliesLimit)
  changedEpisodes.clear()
  if (feed.clientCount() === 0) return

  feed.publish('overview', await overview())
  if (touched.length > 0) feed.publish('series', liveSeries(projection, touched, liveSeriesLimit))
  if (ids.length === 0) return
  const episodes = await unlessUnavailable(history.episodes({ ids, limit: ids.length }), [])
  for (const episode of episodes.reverse()) feed.publish('anomaly', anomalyView(episode))
}

const tickMs = 1000
const keepAliveMs = 15_000
const liveSeriesLimit = 500
const liveAnomaliesLimit = 100
