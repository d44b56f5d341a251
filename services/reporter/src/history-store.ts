/**
 * The seam to the history: what became of each anomaly, kept for the retention time.
 *
 * It is a projection of the log: recording is idempotent by record id, so it may be filled again from the beginning of the log at
 * any time. Methods are asynchronous because a database on another machine is one of the adapters to come.
 */
import type { Anomaly, Notification } from '@lapwing/contracts/records'
import type { Episode } from './episode.ts'

export interface HistoryRecords {
  readonly anomalies: readonly Anomaly[]
  readonly notifications: readonly Notification[]
}

export interface HistoryChange {
  /** Episodes seen for the first time. */
  readonly opened: readonly Episode[]
  /** Ids of the episodes that changed, those opened among them. */
  readonly changedIds: readonly string[]
}

/** One record of an episode, for its timeline. */
export type EpisodeStep = Pick<Anomaly, 'id' | 'state' | 'severity' | 'observedAtMs' | 'value' | 'expected' | 'score'>

export interface EpisodeHistory {
  readonly episode: Episode
  /** Oldest first; at most the newest `notificationsShown`. */
  readonly notifications: readonly Notification[]
}

export interface EpisodeQuery {
  readonly state?: 'open' | 'resolved' | undefined
  readonly seriesKey?: string | undefined
  readonly ids?: readonly string[] | undefined
  /** Episodes that started at or after this time, milliseconds since the epoch. */
  readonly fromMs?: number | undefined
  readonly limit: number
}

export interface HistoryStore {
  /** All of it is kept when this resolves, or nothing when it rejects. */
  record(records: HistoryRecords): Promise<HistoryChange>
  /** Newest first. */
  episodes(query: EpisodeQuery): Promise<EpisodeHistory[]>
  /** The records of an episode, oldest first; empty when it is unknown. */
  steps(episodeId: string): Promise<EpisodeStep[]>
  openCount(): Promise<number>
  /** Forgets resolved and silent episodes, and notifications, whose last record is older than this time. */
  expire(beforeMs: number): Promise<void>
  close(): Promise<void>
}

export const notificationsShown = 50
