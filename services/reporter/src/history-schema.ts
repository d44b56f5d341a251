/**
 * The tables of the history and the way they came to be, the same on SQLite and PostgreSQL.
 *
 * A migration that was released is never changed: a database remembers the names of those it has had. Numbers are double precision,
 * also times, which are milliseconds since the epoch. A number that is not finite is NULL, because SQLite knows no NaN. Labels and reasons are JSON text.
 */
import type { Anomaly, Notification } from '@lapwing/contracts/records'
import { type Kysely, type Migration, type MigrationProvider, sql } from 'kysely'
import type { Judgement } from './history-store.ts'

export interface HistoryTables {
  episodes: EpisodeRow
  anomaly_records: AnomalyRow
  notifications: NotificationRow
  judgements: JudgementRow
}

export interface AnomalyRow {
  id: string
  episode_id: string
  state: Anomaly['state']
  severity: Anomaly['severity']
  observed_at_ms: number
  value: number | null
  expected: number | null
  score: number | null
}

export interface NotificationRow {
  id: string
  alert_id: string
  anomaly_id: string
  route: string
  receiver: string
  outcome: Notification['outcome']
  reason: string
  state: Notification['state']
  severity: Notification['severity']
  metric: string
  labels: string
  attempts: number
  error: string
  at_ms: number
}

export interface EpisodeRow {
  episode_id: string
  state: Anomaly['state']
  severity: Anomaly['severity']
  series_key: string
  entity_key: string
  metric: string
  labels: string
  source: string
  started_at_ms: number
  observed_at_ms: number
  ended_at_ms: number | null
  end_reason: string
  peak_score: number | null
  suppressed_by: string
  /** JSON of the newest signature, and the record that it is of. */
  signature: string | null
  newest_record_id: string
  opening_record_id: string
  record_id: string
  resolves: number
  model: string
  value: number | null
  expected: number | null
  lower: number | null
  upper: number | null
  score: number | null
  confidence: number | null
  reasons: string
}

export interface JudgementRow {
  anomaly_id: string
  episode_id: string
  verdict: Judgement['verdict']
  author: string
  comment: string
  origin: string
  at_ms: number
  until_ms: number | null
}

export const historyMigrations: MigrationProvider = { getMigrations: async () => migrations }

const migrations: Readonly<Record<string, Migration>> = {
  '2026-11-history': { up: createTables },
  '2026-12-end-reason': { up: addEndReason },
}

async function addEndReason({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .alterTable('episodes')
    .addColumn('end_reason', 'text', (column) => column.notNull().defaultTo(''))
    .execute()
}

async function createTables(database: Kysely<unknown>): Promise<void> {
  const { schema } = database
  await withColumns(schema.createTable('episodes').addColumn('episode_id', 'text', primaryKey), {
    text: [
      ...['state', 'severity', 'series_key', 'entity_key', 'metric', 'labels', 'source', 'suppressed_by', 'newest_record_id'],
      ...['opening_record_id', 'record_id', 'model', 'reasons'],
    ],
    number: ['started_at_ms', 'observed_at_ms', 'resolves'],
    optionalNumber: ['ended_at_ms', 'peak_score', 'value', 'expected', 'lower', 'upper', 'score', 'confidence'],
  })
    .addColumn('signature', 'text')
    .execute()
  await withColumns(schema.createTable('anomaly_records').addColumn('id', 'text', primaryKey), {
    text: ['episode_id', 'state', 'severity'],
    number: ['observed_at_ms'],
    optionalNumber: ['value', 'expected', 'score'],
  }).execute()
  await withColumns(schema.createTable('notifications').addColumn('id', 'text', primaryKey), {
    text: [
      ...['alert_id', 'anomaly_id', 'route', 'receiver', 'outcome', 'reason', 'state', 'severity', 'metric', 'labels', 'error'],
    ],
    number: ['attempts', 'at_ms'],
    optionalNumber: [],
  }).execute()
  await withColumns(schema.createTable('judgements').addColumn('anomaly_id', 'text', primaryKey), {
    text: ['episode_id', 'verdict', 'author', 'comment', 'origin'],
    number: ['at_ms'],
    optionalNumber: ['until_ms'],
  }).execute()
  await createIndexes(database)
}

async function createIndexes(database: Kysely<unknown>): Promise<void> {
  await sql`CREATE INDEX episodes_by_start ON episodes (started_at_ms DESC, episode_id)`.execute(database)
  await sql`CREATE INDEX episodes_by_series ON episodes (series_key, started_at_ms DESC)`.execute(database)
  await sql`CREATE INDEX episodes_open ON episodes (started_at_ms DESC) WHERE state <> 'resolved'`.execute(database)
  await sql`CREATE INDEX episodes_by_end ON episodes (observed_at_ms)`.execute(database)
  await sql`CREATE INDEX anomaly_records_by_episode ON anomaly_records (episode_id)`.execute(database)
  await sql`CREATE INDEX notifications_by_alert ON notifications (alert_id, at_ms)`.execute(database)
  await sql`CREATE INDEX notifications_by_time ON notifications (at_ms)`.execute(database)
  await sql`CREATE INDEX judgements_by_episode ON judgements (episode_id)`.execute(database)
}

type TableBuilder = ReturnType<Kysely<unknown>['schema']['createTable']>

interface ColumnNames {
  readonly text: readonly string[]
  readonly number: readonly string[]
  readonly optionalNumber: readonly string[]
}

function withColumns(table: TableBuilder, { text, number, optionalNumber }: ColumnNames): TableBuilder {
  const withText = text.reduce((built, name) => built.addColumn(name, 'text', notNull), table)
  const withNumbers = number.reduce((built, name) => built.addColumn(name, 'double precision', notNull), withText)
  return optionalNumber.reduce((built, name) => built.addColumn(name, 'double precision'), withNumbers)
}

type ColumnOptions = NonNullable<Parameters<TableBuilder['addColumn']>[2]>
const notNull: ColumnOptions = (column) => column.notNull()
const primaryKey: ColumnOptions = (column) => column.primaryKey()
