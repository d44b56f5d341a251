/**
 * The history in PostgreSQL: several replicas of the reporter fill and read one database.
 *
 * Each replica reads the whole log, so every record is written as often as there are replicas and kept once. They take turns by an advisory lock that
 * PostgreSQL gives up with the transaction, also when the replica dies in it. The tables are made by whoever comes first.
 *
 * While the database does not answer, every call rejects with `HistoryUnavailable`; other errors, such as a refused password, are for a person.
 */
import { Kysely, Migrator, PostgresDialect, sql } from 'kysely'
import { DatabaseError, Pool } from 'pg'
import { type HistoryTables, historyMigrations } from './history-schema.ts'
import { type HistoryStore, HistoryUnavailable } from './history-store.ts'
import { createSqlHistory } from './sql-history.ts'

/** @param url `postgres://user:password@host:5432/database`, with the parameters of libpq */
export function openPostgresHistory(url: string): HistoryStore {
  const pool = new Pool({ connectionString: url, ...limits })
  // A connection that breaks, in use or not, is replaced when one is needed; the query on it has its own error.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  const database = new Kysely<HistoryTables>({ dialect: new PostgresDialect({ pool }) })
  const store = createSqlHistory(database, async (transaction) => {
    await sql`SELECT pg_advisory_xact_lock(${sql.lit(writersLock)})`.execute(transaction)
  })
  let migrated: Promise<void> | undefined
  const ready = () => {
    migrated ??= migrate(database).catch((error: unknown) => {
      migrated = undefined
      throw error
    })
    return migrated
  }
  const answered = async <Result>(call: () => Promise<Result>) => {
    try {
      await ready()
      return await call()
    } catch (error) {
      throw mayPass(error as Error) ? new HistoryUnavailable(error as Error) : error
    }
  }
  return {
    record: (records) => answered(() => store.record(records)),
    episodes: (query) => answered(() => store.episodes(query)),
    steps: (episodeId) => answered(() => store.steps(episodeId)),
    openCount: () => answered(() => store.openCount()),
    verdictCounts: (fromMs) => answered(() => store.verdictCounts(fromMs)),
    expire: (beforeMs) => answered(() => store.expire(beforeMs)),
    close: () => store.close(),
  }
}

const limits = {
  application_name: 'lapwing-reporter',
  max: 5,
  connectionTimeoutMillis: 5000,
  query_timeout: 60_000,
  statement_timeout: 60_000,
  keepAlive: true,
} as const

/** Any number, the same in all replicas; it is Lapwing's among the advisory locks of its database. */
const writersLock = 7_092_034_811

async function migrate(database: Kysely<HistoryTables>): Promise<void> {
  const { error } = await new Migrator({ db: database, provider: historyMigrations }).migrateToLatest()
  if (error) throw error
}

/**
 * Whether the same call may succeed later without anybody doing anything to this service: the server is gone, starting, full, a standby, or
 * gave up on the transaction. Source: PostgreSQL, "Error Codes"; what comes from the connection has a code of the system, or none.
 */
function mayPass(error: Error & { code?: string }): boolean {
  if (error instanceof DatabaseError) return /^(08|40|53|55|57|58)|^25006$/.test(error.code ?? '')
  return systemCodes.has(error.code ?? '') || /connection|timeout/i.test(error.message)
}

const systemCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])
