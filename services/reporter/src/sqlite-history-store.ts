/**
 * The history in SQLite, embedded: for one machine. A batch of records is one transaction; in memory when no folder is given.
 *
 * Calls are synchronous underneath and hold the event loop; a thousand anomaly records take some 70 ms. The file is a cache of
 * the log (the log holds as long as the default retention), so a layout of another version is dropped and filled again rather than migrated.
 *
 * Numbers that are not finite are stored as NULL, SQLite knows no NaN, and come back as NaN.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Anomaly, Label, Notification, Reason } from '@lapwing/contracts/records'
import Database from 'libsql'
import { type Episode, foldAnomaly } from './episode.ts'
import {
  type EpisodeHistory,
  type EpisodeQuery,
  type EpisodeStep,
  type HistoryChange,
  type HistoryRecords,
  type HistoryStore,
  notificationsShown,
} from './history-store.ts'

/** @param directory created when it is absent; undefined keeps everything in memory */
export function openSqliteHistory(directory: string | undefined): HistoryStore {
  const database = open(directory)
  const episodeById = database.prepare('SELECT * FROM episodes WHERE episode_id = ?')
  const steps = database.prepare('SELECT * FROM anomaly_records WHERE episode_id = ? ORDER BY observed_at_ms, id')
  const openCount = database.prepare("SELECT count(*) AS count FROM episodes WHERE state <> 'resolved'")
  const write = database.transaction((records: HistoryRecords) => recordAll(database, episodeById, records))
  return {
    record: async (records) => write(records) as HistoryChange,
    episodes: async (query) => selectEpisodes(database, query),
    steps: async (episodeId) => (steps.all(episodeId) as AnomalyRow[]).map(toStep),
    openCount: async () => (openCount.get() as { count: number }).count,
    expire: async (beforeMs) => expireAll(database, beforeMs),
    close: async () => {
      database.close()
    },
  }
}

const layoutVersion = 1

const layout = `
  CREATE TABLE IF NOT EXISTS episodes (
    episode_id TEXT PRIMARY KEY, state TEXT NOT NULL, severity TEXT NOT NULL, series_key TEXT NOT NULL, entity_key TEXT NOT NULL,
    metric TEXT NOT NULL, labels TEXT NOT NULL, source TEXT NOT NULL, started_at_ms REAL NOT NULL, observed_at_ms REAL NOT NULL,
    ended_at_ms REAL, peak_score REAL, record_id TEXT NOT NULL, resolves INTEGER NOT NULL, model TEXT NOT NULL, value REAL,
    expected REAL, lower REAL, upper REAL, score REAL, confidence REAL, reasons TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS episodes_by_start ON episodes (started_at_ms);
  CREATE INDEX IF NOT EXISTS episodes_by_series ON episodes (series_key, started_at_ms);
  CREATE INDEX IF NOT EXISTS episodes_open ON episodes (started_at_ms) WHERE state <> 'resolved';
  CREATE TABLE IF NOT EXISTS anomaly_records (
    id TEXT PRIMARY KEY, episode_id TEXT NOT NULL, state TEXT NOT NULL, severity TEXT NOT NULL, observed_at_ms REAL NOT NULL,
    value REAL, expected REAL, score REAL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS anomaly_records_by_episode ON anomaly_records (episode_id);
  CREATE TABLE IF NOT EXISTS notifications (
    id TEXT PRIMARY KEY, alert_id TEXT NOT NULL, anomaly_id TEXT NOT NULL, route TEXT NOT NULL, receiver TEXT NOT NULL,
    outcome TEXT NOT NULL, reason TEXT NOT NULL, state TEXT NOT NULL, severity TEXT NOT NULL, metric TEXT NOT NULL,
    labels TEXT NOT NULL, attempts INTEGER NOT NULL, error TEXT NOT NULL, at_ms REAL NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS notifications_by_alert ON notifications (alert_id, at_ms);
  CREATE INDEX IF NOT EXISTS notifications_by_time ON notifications (at_ms);
  PRAGMA user_version = ${layoutVersion};
`

function open(directory: string | undefined): Database.Database {
  if (directory) mkdirSync(directory, { recursive: true })
  const database = new Database(directory ? join(directory, 'reporter.db') : ':memory:')
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;')
  const { user_version: found } = database.prepare('PRAGMA user_version').get() as { user_version: number }
  if (found !== 0 && found !== layoutVersion) {
    database.exec('DROP TABLE IF EXISTS episodes; DROP TABLE IF EXISTS anomaly_records; DROP TABLE IF EXISTS notifications;')
  }
  database.exec(layout)
  return database
}

function recordAll(database: Database.Database, episodeById: Database.Statement, records: HistoryRecords): HistoryChange {
  const insertRecord = insertIgnoring(database, 'anomaly_records', anomalyColumns)
  const insertNotification = insertIgnoring(database, 'notifications', notificationColumns)
  const replaceEpisode = database.prepare(
    `INSERT OR REPLACE INTO episodes (${episodeColumns}) VALUES (${placeholders(episodeColumns)})`,
  )
  const opened = new Map<string, Episode>()
  const changed = new Set<string>()
  for (const record of records.anomalies) {
    if (insertRecord.run(...fromAnomaly(record)).changes === 0) continue
    const row = episodeById.get(record.episodeId) as EpisodeRow | undefined
    const episode = foldAnomaly(row && toEpisode(row), record)
    replaceEpisode.run(...fromEpisode(episode))
    if (!row || opened.has(episode.episodeId)) opened.set(episode.episodeId, episode)
    changed.add(episode.episodeId)
  }
  for (const record of records.notifications) {
    if (insertNotification.run(...fromNotification(record)).changes > 0) changed.add(record.alertId)
  }
  return { opened: [...opened.values()], changedIds: [...changed] }
}

function selectEpisodes(database: Database.Database, query: EpisodeQuery): EpisodeHistory[] {
  const conditions: [sql: string, values: readonly (string | number)[]][] = []
  if (query.state) conditions.push([query.state === 'open' ? "state <> 'resolved'" : "state = 'resolved'", []])
  if (query.seriesKey !== undefined) conditions.push(['series_key = ?', [query.seriesKey]])
  if (query.fromMs !== undefined) conditions.push(['started_at_ms >= ?', [query.fromMs]])
  if (query.ids) conditions.push([`episode_id IN (${query.ids.map(() => '?')})`, query.ids])
  const where = conditions.length > 0 ? `WHERE ${conditions.map(([sql]) => sql).join(' AND ')}` : ''
  const values = conditions.flatMap(([, bound]) => bound)
  const rows = database
    .prepare(`SELECT * FROM episodes ${where} ORDER BY started_at_ms DESC, episode_id LIMIT ?`)
    .all(...values, query.limit) as EpisodeRow[]
  const notifications = database.prepare('SELECT * FROM notifications WHERE alert_id = ? ORDER BY at_ms DESC, id LIMIT ?')
  return rows.map((row) => ({
    episode: toEpisode(row),
    notifications: (notifications.all(row.episode_id, notificationsShown) as NotificationRow[]).map(toNotification).reverse(),
  }))
}

/** By the last record rather than by state: an episode whose end was never told must not stay for ever. */
function expireAll(database: Database.Database, beforeMs: number): void {
  database.transaction(() => {
    database
      .prepare('DELETE FROM anomaly_records WHERE episode_id IN (SELECT episode_id FROM episodes WHERE observed_at_ms < ?)')
      .run(beforeMs)
    database.prepare('DELETE FROM episodes WHERE observed_at_ms < ?').run(beforeMs)
    database.prepare('DELETE FROM notifications WHERE at_ms < ?').run(beforeMs)
  })()
}

const anomalyColumns = 'id, episode_id, state, severity, observed_at_ms, value, expected, score'
const notificationColumns =
  'id, alert_id, anomaly_id, route, receiver, outcome, reason, state, severity, metric, labels, attempts, error, at_ms'
const episodeColumns =
  'episode_id, state, severity, series_key, entity_key, metric, labels, source, started_at_ms, observed_at_ms, ended_at_ms, ' +
  'peak_score, record_id, resolves, model, value, expected, lower, upper, score, confidence, reasons'

function insertIgnoring(database: Database.Database, table: string, columns: string): Database.Statement {
  return database.prepare(`INSERT OR IGNORE INTO ${table} (${columns}) VALUES (${placeholders(columns)})`)
}

function placeholders(columns: string): string {
  return columns.replace(/\w+/g, '?')
}

interface AnomalyRow {
  readonly id: string
  readonly state: Anomaly['state']
  readonly severity: Anomaly['severity']
  readonly observed_at_ms: number
  readonly value: number | null
  readonly expected: number | null
  readonly score: number | null
}

interface NotificationRow {
  readonly id: string
  readonly alert_id: string
  readonly anomaly_id: string
  readonly route: string
  readonly receiver: string
  readonly outcome: Notification['outcome']
  readonly reason: string
  readonly state: Notification['state']
  readonly severity: Notification['severity']
  readonly metric: string
  readonly labels: string
  readonly attempts: number
  readonly error: string
  readonly at_ms: number
}

interface EpisodeRow extends AnomalyRow {
  readonly episode_id: string
  readonly series_key: string
  readonly entity_key: string
  readonly metric: string
  readonly labels: string
  readonly source: string
  readonly started_at_ms: number
  readonly ended_at_ms: number | null
  readonly peak_score: number | null
  readonly record_id: string
  readonly resolves: number
  readonly model: string
  readonly lower: number | null
  readonly upper: number | null
  readonly confidence: number | null
  readonly reasons: string
}

function fromAnomaly(record: Anomaly): unknown[] {
  const { id, episodeId, state, severity, observedAtMs, value, expected, score } = record
  return [id, episodeId, state, severity, observedAtMs, finite(value), finite(expected), finite(score)]
}

function toStep(row: AnomalyRow): EpisodeStep {
  return {
    id: row.id,
    state: row.state,
    severity: row.severity,
    observedAtMs: row.observed_at_ms,
    value: row.value ?? Number.NaN,
    expected: row.expected ?? Number.NaN,
    score: row.score ?? Number.NaN,
  }
}

function fromNotification(record: Notification): unknown[] {
  const { id, alertId, anomalyId, route, receiver, outcome, reason, state, severity, metric, labels, attempts, error, atMs } =
    record
  return [
    id,
    alertId,
    anomalyId,
    route,
    receiver,
    outcome,
    reason,
    state,
    severity,
    metric,
    pairsText(labels),
    attempts,
    error,
    atMs,
  ]
}

function toNotification(row: NotificationRow): Notification {
  const { id, route, receiver, outcome, reason, state, severity, metric, attempts, error } = row
  const labels = labelsOf(row.labels)
  return {
    id,
    alertId: row.alert_id,
    anomalyId: row.anomaly_id,
    route,
    receiver,
    outcome,
    reason,
    state,
    severity,
    metric,
    labels,
    attempts,
    error,
    atMs: row.at_ms,
  }
}

function fromEpisode(episode: Episode): unknown[] {
  const { worst } = episode
  const identity = [episode.episodeId, episode.state, episode.severity, episode.seriesKey, episode.entityKey, episode.metric]
  const times = [episode.startedAtMs, episode.observedAtMs, episode.endedAtMs]
  const numbers = [worst.value, worst.expected, worst.lower, worst.upper, worst.score, worst.confidence].map(finite)
  const moment = [worst.recordId, Number(worst.resolves), worst.model, ...numbers, JSON.stringify(worst.reasons)]
  return [...identity, pairsText(episode.labels), episode.source, ...times, finite(episode.peakScore), ...moment]
}

function toEpisode(row: EpisodeRow): Episode {
  return {
    episodeId: row.episode_id,
    state: row.state,
    severity: row.severity,
    seriesKey: row.series_key,
    entityKey: row.entity_key,
    metric: row.metric,
    labels: labelsOf(row.labels),
    source: row.source,
    startedAtMs: row.started_at_ms,
    observedAtMs: row.observed_at_ms,
    endedAtMs: row.ended_at_ms,
    peakScore: row.peak_score ?? Number.NaN,
    worst: {
      recordId: row.record_id,
      resolves: row.resolves === 1,
      model: row.model,
      value: row.value ?? Number.NaN,
      expected: row.expected ?? Number.NaN,
      lower: row.lower ?? Number.NaN,
      upper: row.upper ?? Number.NaN,
      score: row.score ?? Number.NaN,
      confidence: row.confidence ?? Number.NaN,
      reasons: JSON.parse(row.reasons) as Reason[],
    },
  }
}

/** Pairs, not a map: a label may be called `__proto__`. */
function pairsText(labels: readonly Label[]): string {
  return JSON.stringify(labels.map(({ name, value }) => [name, value]))
}

function labelsOf(pairs: string): Label[] {
  return (JSON.parse(pairs) as [string, string][]).map(([name, value]) => ({ name, value }))
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
