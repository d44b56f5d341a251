/**
 * The history in a database, by one set of queries for SQLite and PostgreSQL.
 *
 * A batch of records is one transaction of a few statements, however many records it has: what is new among them, the episodes they are
 * about, and those episodes folded anew. `takeTurn` keeps replicas that read the same log from folding one episode at the same time.
 */
import type { Anomaly } from '@lapwing/contracts/records'
import { type ExpressionBuilder, type Kysely, type SelectQueryBuilder, sql, type Transaction } from 'kysely'
import { type Episode, foldAnomaly } from './episode.ts'
import {
  fromAnomaly,
  fromEpisode,
  fromJudgement,
  fromNotification,
  toEpisode,
  toJudgement,
  toNotification,
  toStep,
} from './history-rows.ts'
import type { EpisodeRow, HistoryTables } from './history-schema.ts'
import {
  type EpisodeHistory,
  type EpisodeQuery,
  type HistoryChange,
  type HistoryRecords,
  type HistoryStore,
  notificationsShown,
  type VerdictCounts,
} from './history-store.ts'

type Database = Kysely<HistoryTables>

/** @param takeTurn waits inside a transaction until no other replica is in one like it */
export function createSqlHistory(
  database: Database,
  takeTurn: (transaction: Transaction<HistoryTables>) => Promise<void>,
): HistoryStore {
  const inTurn = <Result>(action: (transaction: Transaction<HistoryTables>) => Promise<Result>) =>
    database.transaction().execute(async (transaction) => {
      await takeTurn(transaction)
      return action(transaction)
    })
  return {
    record: (records) => inTurn((transaction) => recordInPortions(transaction, records)),
    episodes: (query) => selectEpisodes(database, query),
    steps: async (episodeId) => {
      const rows = database.selectFrom('anomaly_records').selectAll().where('episode_id', '=', episodeId)
      return (await rows.orderBy('observed_at_ms').orderBy('id').execute()).map(toStep)
    },
    openCount: async () => {
      const counted = database.selectFrom('episodes').select(sql<number>`count(*)`.as('count'))
      return Number((await counted.where('state', '<>', 'resolved').executeTakeFirstOrThrow()).count)
    },
    verdictCounts: (fromMs) => countVerdicts(database, fromMs),
    expire: (beforeMs) => inTurn((transaction) => expireAll(transaction, beforeMs)),
    close: () => database.destroy(),
  }
}

/** Databases bound the number of parameters of a statement. */
const rowsPerStatement = 1000

async function recordInPortions(transaction: Database, records: HistoryRecords): Promise<HistoryChange> {
  const { anomalies, notifications, judgements } = records
  const changes: HistoryChange[] = []
  for (let from = 0; from === 0 || from < Math.max(anomalies.length, notifications.length); from += rowsPerStatement) {
    const to = from + rowsPerStatement
    const portion = { anomalies: anomalies.slice(from, to), notifications: notifications.slice(from, to) }
    changes.push(await recordPortion(transaction, { ...portion, judgements: from === 0 ? judgements : [] }))
  }
  return {
    opened: changes.flatMap(({ opened }) => opened),
    episodeIds: [...new Set(changes.flatMap(({ episodeIds }) => episodeIds))],
  }
}

async function recordPortion(
  transaction: Database,
  { anomalies, notifications, judgements }: HistoryRecords,
): Promise<HistoryChange> {
  const fresh = await insertAnomalies(transaction, anomalies)
  const opened = await foldEpisodes(transaction, fresh)
  if (notifications.length > 0) {
    const rows = uniqueBy(notifications.map(fromNotification), ({ id }) => id)
    await transaction
      .insertInto('notifications')
      .values(rows)
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute()
  }
  for (const judgement of judgements) await keepJudgement(transaction, fromJudgement(judgement))
  const about = [...anomalies.map(({ episodeId }) => episodeId), ...notifications.map(({ alertId }) => alertId)]
  return { opened, episodeIds: [...new Set([...about, ...judgements.map(({ episodeId }) => episodeId)])] }
}

/** Those that were not there yet. */
async function insertAnomalies(transaction: Database, anomalies: readonly Anomaly[]): Promise<Anomaly[]> {
  if (anomalies.length === 0) return []
  const rows = uniqueBy(anomalies.map(fromAnomaly), ({ id }) => id)
  const insertion = transaction.insertInto('anomaly_records').values(rows)
  const inserted = await insertion
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('id')
    .execute()
  const ids = new Set(inserted.map(({ id }) => id))
  return anomalies.filter(({ id }) => ids.has(id))
}

/** The episodes that none of the database's records was about before. */
async function foldEpisodes(transaction: Database, anomalies: readonly Anomaly[]): Promise<Episode[]> {
  if (anomalies.length === 0) return []
  const ids = [...new Set(anomalies.map(({ episodeId }) => episodeId))]
  const rows = await transaction.selectFrom('episodes').selectAll().where('episode_id', 'in', ids).execute()
  const known = new Set(rows.map(({ episode_id: id }) => id))
  const folded = new Map(rows.map((row) => [row.episode_id, toEpisode(row)]))
  for (const record of anomalies) folded.set(record.episodeId, foldAnomaly(folded.get(record.episodeId), record))
  const replaced = [...folded.values()].map(fromEpisode)
  await transaction
    .insertInto('episodes')
    .values(replaced)
    .onConflict((conflict) => conflict.column('episode_id').doUpdateSet(excluded(replaced[0]!)))
    .execute()
  return [...folded.values()].filter(({ episodeId }) => !known.has(episodeId))
}

function excluded(row: EpisodeRow) {
  const columns = (Object.keys(row) as (keyof EpisodeRow)[]).filter((column) => column !== 'episode_id')
  return ({ ref }: ExpressionBuilder<{ excluded: EpisodeRow }, 'excluded'>) =>
    Object.fromEntries(columns.map((column) => [column, ref(`excluded.${column}`)]))
}

/** The newest word holds; one that does not say which episode it is about keeps what is known. */
async function keepJudgement(transaction: Database, row: HistoryTables['judgements']): Promise<void> {
  const { anomaly_id: _, episode_id: episodeId, ...said } = row
  await transaction
    .insertInto('judgements')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .column('anomaly_id')
        .doUpdateSet({ ...said, ...(episodeId !== '' && { episode_id: episodeId }) })
        .where('judgements.at_ms', '<=', row.at_ms),
    )
    .execute()
}

async function selectEpisodes(database: Database, query: EpisodeQuery): Promise<EpisodeHistory[]> {
  const ordered = narrowed(database.selectFrom('episodes'), query).orderBy('started_at_ms', 'desc').orderBy('episode_id')
  const rows = await ordered.selectAll().limit(query.limit).execute()
  if (rows.length === 0) return []
  const ids = rows.map(({ episode_id: id }) => id)
  const notifications = groupedBy(await newestNotifications(database, ids), ({ alert_id: id }) => id)
  const judgements = await database
    .selectFrom('judgements')
    .selectAll()
    .where('episode_id', 'in', ids)
    .where('verdict', '<>', 'undone')
    .orderBy('at_ms')
    .execute()
  const judgementOf = new Map(judgements.map((row) => [row.episode_id, toJudgement(row)]))
  return rows.map((row) => ({
    episode: toEpisode(row),
    notifications: (notifications.get(row.episode_id) ?? []).map(toNotification),
    judgement: judgementOf.get(row.episode_id),
  }))
}

type EpisodeSelection = SelectQueryBuilder<HistoryTables, 'episodes', object>

function narrowed(selection: EpisodeSelection, query: EpisodeQuery): EpisodeSelection {
  const { state, seriesKey, fromMs, toMs, ids, after } = query
  let narrow = selection
  if (state) narrow = narrow.where('state', state === 'open' ? '<>' : '=', 'resolved')
  if (seriesKey !== undefined) narrow = narrow.where('series_key', '=', seriesKey)
  if (fromMs !== undefined) narrow = narrow.where('started_at_ms', '>=', fromMs)
  if (toMs !== undefined) narrow = narrow.where('started_at_ms', '<', toMs)
  if (ids) narrow = narrow.where('episode_id', 'in', ids.length > 0 ? [...ids] : [''])
  if (!after) return narrow
  // The plain bound lets the index be used; SQLite finds no range in the alternative.
  return narrow
    .where('started_at_ms', '<=', after.startedAtMs)
    .where(({ or, and, eb }) =>
      or([
        eb('started_at_ms', '<', after.startedAtMs),
        and([eb('started_at_ms', '=', after.startedAtMs), eb('episode_id', '>', after.episodeId)]),
      ]),
    )
}

/** Of each alert, oldest first. */
function newestNotifications(database: Database, alertIds: readonly string[]) {
  const numbered = database
    .selectFrom('notifications')
    .selectAll()
    .select(sql<number>`row_number() OVER (PARTITION BY alert_id ORDER BY at_ms DESC, id DESC)`.as('place'))
    .where('alert_id', 'in', [...alertIds])
    .as('numbered')
  const newest = database.selectFrom(numbered).selectAll().where('place', '<=', notificationsShown)
  return newest.orderBy('at_ms').orderBy('id').execute()
}

async function countVerdicts(database: Database, fromMs: number): Promise<VerdictCounts> {
  const rows = await database
    .selectFrom('judgements')
    .innerJoin('episodes', 'episodes.episode_id', 'judgements.episode_id')
    .where('episodes.started_at_ms', '>=', fromMs)
    .select(['verdict', sql<number>`count(DISTINCT episodes.episode_id)`.as('count')])
    .groupBy('verdict')
    .execute()
  const counts = Object.fromEntries(rows.map(({ verdict, count }) => [verdict, Number(count)]))
  const none = { confirmed: 0, false_alarm: 0, expected: 0, known: 0, new_normal: 0 }
  return Object.fromEntries(Object.keys(none).map((verdict) => [verdict, counts[verdict] ?? 0])) as VerdictCounts
}

/** By the last record rather than by state: an episode whose end was never told must not stay for ever. */
async function expireAll(transaction: Database, beforeMs: number): Promise<void> {
  const old = transaction.selectFrom('episodes').select('episode_id').where('observed_at_ms', '<', beforeMs)
  await transaction.deleteFrom('anomaly_records').where('episode_id', 'in', old).execute()
  await transaction.deleteFrom('judgements').where('episode_id', 'in', old).execute()
  await transaction.deleteFrom('episodes').where('observed_at_ms', '<', beforeMs).execute()
  await transaction.deleteFrom('notifications').where('at_ms', '<', beforeMs).execute()
}

/** A statement must not meet the same key twice. */
function uniqueBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()]
}

function groupedBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}
