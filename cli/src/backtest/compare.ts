/** What another configuration would change: messages and episodes that only one of the two has. */
import type { SimulatedMessage } from '@lapwing/alerter/simulate'
import type { BacktestSummary } from './summary.ts'
import type { ToldEpisode } from './told-episodes.ts'

export type Changed<T> = T & { readonly change: 'added' | 'removed' }

export interface Comparison {
  readonly now: BacktestSummary
  readonly then: BacktestSummary
  readonly messages: readonly Changed<SeriesMessage>[]
  readonly episodes: readonly Changed<ToldEpisode>[]
}

/** A message with the series that it stands for, sorted. */
export interface SeriesMessage extends SimulatedMessage {
  readonly series: readonly string[]
}

/**
 * Identities hold the configuration of the detector, so things are the same here when they look the same: an episode of one series that opens
 * at one time; a message at one time to one route that says the same of the same series.
 */
export function compared(now: BacktestSummary, then: BacktestSummary): Comparison {
  const episodes = changes(now.episodes, then.episodes, ({ series, openedAtMs }) => JSON.stringify([series, openedAtMs]))
  const messages = changes(withSeries(now), withSeries(then), ({ atMs, route, state, severity, series }) =>
    JSON.stringify([atMs, route, state, severity, series]),
  )
  return {
    ...{ now, then },
    messages: messages.sort((a, b) => a.atMs - b.atMs),
    episodes: episodes.sort((a, b) => a.openedAtMs - b.openedAtMs),
  }
}

function changes<T>(before: readonly T[], after: readonly T[], keyOf: (item: T) => string): Changed<T>[] {
  const [known, stays] = [before, after].map((items) => new Set(items.map(keyOf)))
  const removed = before.filter((item) => !stays!.has(keyOf(item))).map((item) => ({ ...item, change: 'removed' as const }))
  const added = after.filter((item) => !known!.has(keyOf(item))).map((item) => ({ ...item, change: 'added' as const }))
  return [...removed, ...added]
}

function withSeries({ messages, episodes }: BacktestSummary): SeriesMessage[] {
  const seriesOf = new Map(episodes.map(({ id, series }) => [id, series]))
  return messages.map((message) => ({
    ...message,
    series: [...new Set(message.episodes.map((id) => seriesOf.get(id) ?? ''))].sort(),
  }))
}
