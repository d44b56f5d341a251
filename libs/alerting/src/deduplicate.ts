/**
 * Recognises anomaly records that bring no news: sent twice, already true, or about an episode that is over.
 *
 * A series has one episode at a time, so its newest one is all that must be remembered. Within an episode truth only grows:
 * severity rises, an end is final. Records may therefore come in any order and any number, and the truth after them is the
 * same. Ids of the episode's records tell a record sent twice from another that says the same.
 *
 * Blind spot: an episode whose end never arrives stays open until the series opens the next one.
 */
import type { Anomaly, Severity } from '@lapwing/contracts/records'
import { compareSeverity, higherSeverity } from './severity.ts'

/** What is true of the newest episode of a series. */
export interface Episode {
  readonly id: string
  readonly startedAtMs: number
  /** null while it lasts. */
  readonly endedAtMs: number | null
  /** Highest so far. */
  readonly severity: Severity
  /** Ids of the newest records about it, at most `rememberedRecords`. */
  readonly recordIds: readonly string[]
}

/**
 * news: it changes what is true. repeated: the very record was seen before. already_true: another record said so. outdated:
 * a newer episode of the series began, so this one is over whatever the record says.
 */
export type Novelty = 'news' | 'repeated' | 'already_true' | 'outdated'

/** An episode has three severities and one end, so four records; the rest is room for a sender that repeats itself. */
export const rememberedRecords = 16

export function noveltyOf(anomaly: Anomaly, episode: Episode | undefined): Novelty {
  if (!episode) return 'news'
  if (anomaly.episodeId !== episode.id) return isOlder(anomaly, episode) ? 'outdated' : 'news'
  if (episode.recordIds.includes(anomaly.id)) return 'repeated'
  if (episode.endedAtMs !== null) return 'already_true'
  return anomaly.state === 'resolved' || compareSeverity(anomaly.severity, episode.severity) > 0 ? 'news' : 'already_true'
}

/** The episode after this record, which must not be outdated. */
export function learn(anomaly: Anomaly, episode: Episode | undefined): Episode {
  const same = episode?.id === anomaly.episodeId ? episode : undefined
  const recordIds = same?.recordIds ?? []
  return {
    id: anomaly.episodeId,
    startedAtMs: Math.min(anomaly.startedAtMs, same?.startedAtMs ?? Number.POSITIVE_INFINITY),
    endedAtMs: same?.endedAtMs ?? endOf(anomaly),
    severity: same ? higherSeverity(anomaly.severity, same.severity) : anomaly.severity,
    recordIds: recordIds.includes(anomaly.id) ? recordIds : [...recordIds, anomaly.id].slice(-rememberedRecords),
  }
}

/** Ties are broken by id, so that two orders of arrival agree. */
function isOlder(anomaly: Anomaly, episode: Episode): boolean {
  if (anomaly.startedAtMs !== episode.startedAtMs) return anomaly.startedAtMs < episode.startedAtMs
  return anomaly.episodeId < episode.id
}

function endOf(anomaly: Anomaly): number | null {
  return anomaly.state === 'resolved' ? (anomaly.endedAtMs ?? anomaly.observedAtMs) : null
}
