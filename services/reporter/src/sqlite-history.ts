/**
 * The history in SQLite, embedded: for one machine; in memory when no folder is given.
 *
 * Calls are synchronous underneath and hold the event loop for a batch. The file is a cache of the log (the log holds as long as the
 * default retention), so one that another release has left in a layout unknown here is dropped and filled again.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Kysely, Migrator, SqliteDialect } from 'kysely'
import SqliteDatabase from 'libsql'
import { type HistoryTables, historyMigrations } from './history-schema.ts'
import type { HistoryStore } from './history-store.ts'
import { createSqlHistory } from './sql-history.ts'

/** @param directory created when it is absent; undefined keeps everything in memory */
export async function openSqliteHistory(directory: string | undefined): Promise<HistoryStore> {
  if (directory) mkdirSync(directory, { recursive: true })
  const file = new SqliteDatabase(directory ? join(directory, 'reporter.db') : ':memory:')
  file.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;')
  const database = new Kysely<HistoryTables>({ dialect: new SqliteDialect({ database: file }) })
  const migrator = new Migrator({ db: database, provider: historyMigrations })
  if ((await migrator.migrateToLatest()).error) {
    dropTables(file)
    const { error } = await migrator.migrateToLatest()
    if (error) throw error
  }
  return createSqlHistory(database, async () => {})
}

function dropTables(file: SqliteDatabase.Database): void {
  const tables = file.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all()
  for (const { name } of tables as { name: string }[]) file.exec(`DROP TABLE "${name.replaceAll('"', '""')}"`)
}
