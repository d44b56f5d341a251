/** The state of the whole pipeline as one answer, for the head of the page: assembled when asked, from what this service can see. */
import type { Log } from '@lapwing/stream/log'
import type { Overview } from './api-model.ts'
import { type HistoryStore, unlessUnavailable } from './history-store.ts'
import type { Projection } from './projection.ts'
import type { SettingsBook } from './settings-book.ts'
import { lagSeconds, overview, troubleView } from './views.ts'
import { waitingFor } from './waiting-for.ts'

export interface StatusSources {
  readonly log: Log
  /** Names on the log, to find where samples stop while there is nothing to show. */
  readonly topics: { readonly samples: string; readonly scores: string }
  readonly projection: Projection
  readonly history: HistoryStore
  readonly settings: Pick<SettingsBook, 'troubles'>
  failing(): readonly string[]
  behindRecords(): number
  /** Why PromQL cannot be evaluated; empty when it can. */
  explorer(): string
  /** The expression behind a source, where it is known. */
  promqlOf(source: string): string | undefined
  now(): number
}

export function createStatus(sources: StatusSources): () => Promise<Overview> {
  const { log, topics, projection, history } = sources
  const recordsIn = recentCounts(log, sources.now)
  return async () => {
    const nowMs = sources.now()
    const failing = sources.failing()
    const isEmpty = projection.series.size === 0 && failing.length === 0
    const behindRecords = sources.behindRecords()
    const troubles = sources.settings.troubles(nowMs).map(troubleView)
    return overview(projection, {
      nowMs,
      log: log.kind,
      openAnomalies: await unlessUnavailable(history.openCount(), null),
      behindRecords,
      explorer: sources.explorer(),
      queries: [...projection.sources].flatMap((id) => {
        const promql = sources.promqlOf(id)
        return promql === undefined ? [] : { id, promql }
      }),
      troubles,
      waitingFor: waitingFor({
        failing,
        troubles,
        seriesShown: projection.series.size,
        sampleRecords: isEmpty ? await recordsIn(topics.samples) : undefined,
        scoreRecords: isEmpty ? await recordsIn(topics.scores) : undefined,
        lagSeconds: lagSeconds(projection.newestMs ?? null, nowMs),
        behindRecords,
      }),
    })
  }
}

const countsHoldMs = 2000

/** Records ever written to a topic, asked at most every two seconds; undefined while the log does not answer, which readiness reports. */
function recentCounts(log: Log, now: () => number): (topic: string) => Promise<number | undefined> {
  const known = new Map<string, { askedAtMs: number; count: Promise<number | undefined> }>()
  return (topic) => {
    const recent = known.get(topic)
    if (recent && now() - recent.askedAtMs < countsHoldMs) return recent.count
    const count = log.offsets(topic).then(
      (partitions) => partitions.reduce((sum, { next }) => sum + Number(next), 0),
      () => undefined,
    )
    known.set(topic, { askedAtMs: now(), count })
    return count
  }
}
