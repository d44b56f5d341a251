/**
 * The seam to the history: what became of each anomaly, kept for the retention time. Embedded SQLite for one machine, PostgreSQL for
 * several replicas; one suite (`testing/history-suite.ts`) holds both to the same behaviour.
 *
 * It is a projection of the log: recording is idempotent by record id, so it may be filled again from the beginning of the log at
 * any time, and by several replicas at once.
 */
import type { Anomaly, Feedback, Notification } from '@lapwing/contracts/records'
import type { Episode } from './episode.ts'

export interface HistoryRecords {
  readonly anomalies: readonly Anomaly[]
  readonly notifications: readonly Notification[]
  readonly judgements: readonly Judgement[]
}

/** What a person said of an anomaly, the newest word on it; `undone` when it was taken back. */
export type Judgement = Pick<
  Feedback,
  'anomalyId' | 'episodeId' | 'verdict' | 'author' | 'comment' | 'origin' | 'atMs' | 'untilMs'
>

export interface HistoryChange {
  /** Episodes seen for the first time, by any replica. */
  readonly opened: readonly Episode[]
  /** Ids of the episodes that the records are about, whether they changed or another replica had them already. */
  readonly episodeIds: readonly string[]
}

/** One record of an episode, for its timeline. */
export type EpisodeStep = Pick<Anomaly, 'id' | 'state' | 'severity' | 'observedAtMs' | 'value' | 'expected' | 'score'>

export interface EpisodeHistory {
  readonly episode: Episode
  /** Oldest first; at most the newest `notificationsShown`. */
  readonly notifications: readonly Notification[]
  /** undefined when nobody has judged it, or took it back. */
  readonly judgement: Judgement | undefined
}

export interface EpisodeQuery {
  readonly state?: 'open' | 'resolved' | undefined
  readonly seriesKey?: string | undefined
  readonly ids?: readonly string[] | undefined
  /** Episodes that started at or after this time, milliseconds since the epoch. */
  readonly fromMs?: number | undefined
  /** Episodes that started before this time. */
  readonly toMs?: number | undefined
  /** What comes behind this episode in the order of the answer, for reading on. */
  readonly after?: Pick<Episode, 'startedAtMs' | 'episodeId'> | undefined
  readonly limit: number
}

/** How many episodes were judged as what. */
export type VerdictCounts = Readonly<Record<Exclude<Feedback['verdict'], 'unknown' | 'undone'>, number>>

export interface HistoryStore {
  /** All of it is kept when this resolves, or nothing when it rejects. */
  record(records: HistoryRecords): Promise<HistoryChange>
  /** Newest first, among equals by id. */
  episodes(query: EpisodeQuery): Promise<EpisodeHistory[]>
  /** The records of an episode, oldest first; empty when it is unknown. */
  steps(episodeId: string): Promise<EpisodeStep[]>
  openCount(): Promise<number>
  /** Verdicts on the episodes that started at or after this time. */
  verdictCounts(fromMs: number): Promise<VerdictCounts>
  /** Forgets resolved and silent episodes, notifications and verdicts whose last record is older than this time. */
  expire(beforeMs: number): Promise<void>
  close(): Promise<void>
}

/** The database does not answer now, and may later: nothing was kept, and the same call may be made again. */
export class HistoryUnavailable extends Error {
  constructor(cause: Error) {
    super(`the history database does not answer: ${cause.message}`, { cause })
    this.name = 'HistoryUnavailable'
  }
}

/** What else to show while the history database does not answer, which readiness reports. */
export async function unlessUnavailable<Result, Otherwise>(
  asked: Promise<Result>,
  otherwise: Otherwise,
): Promise<Result | Otherwise> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof HistoryUnavailable) return otherwise
    throw error
  }
}

export const notificationsShown = 50
