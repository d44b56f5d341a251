/** The history in a real PostgreSQL: alone, and under two reporters while the server is killed beneath them. */

import { decode } from '@lapwing/contracts/codec'
import type { Anomaly, Feedback, Notification } from '@lapwing/contracts/records'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { freePort } from '@lapwing/kafka-server/free-port'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Log } from '@lapwing/stream/log'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { describeHistory, opened, records } from '../testing/history-suite.ts'
import { type PostgresCluster, postgresPrograms, startPostgres } from '../testing/postgres-cluster.ts'
import { anomaly, notification } from '../testing/records.ts'
import { type RunningReporter, runReporter, until } from '../testing/running-reporter.ts'
import { labelled } from '../testing/score-batch.ts'
import { type Episode, foldAnomaly } from './episode.ts'
import { type EpisodeHistory, type HistoryStore, HistoryUnavailable } from './history-store.ts'
import { openPostgresHistory } from './postgres-history.ts'

if (!postgresPrograms) console.log("history in PostgreSQL skipped: Debian's package postgresql is not installed")

describe.skipIf(!postgresPrograms)('history in PostgreSQL', { timeout: 120_000 }, () => {
  let cluster: PostgresCluster
  let databases = 0
  beforeAll(async () => {
    cluster = await startPostgres()
  })
  afterAll(() => cluster?.remove())

  const newDatabase = () => cluster.createDatabase(`history_${++databases}`)
  const open = async (url?: string) => {
    const store = openPostgresHistory(url ?? (await newDatabase()))
    onTestFinished(() => store.close())
    return store
  }

  describeHistory(() => open())

  test('replicas that start at once make the tables once, and keep each record once', async () => {
    const url = await newDatabase()
    const stores = await Promise.all(Array.from({ length: 4 }, () => open(url)))
    const changes = await Promise.all(stores.map((store) => store.record(records({ anomalies: [opened] }))))
    expect(changes.flatMap((change) => change.opened)).toHaveLength(1)
    expect(await stores[3]!.openCount()).toBe(1)
  })

  test('a server that is not there may come yet; a database that is not there is for a person', async () => {
    const nobody = await open(`postgres://lapwing@127.0.0.1:${await freePort()}/postgres`)
    await expect(nobody.openCount()).rejects.toThrow(HistoryUnavailable)
    const wrong = await open(cluster.url.replace(/postgres$/, 'nowhere'))
    await expect(wrong.openCount()).rejects.toThrow(/database "nowhere" does not exist/)
    await expect(wrong.openCount()).rejects.not.toThrow(HistoryUnavailable)
  })

  test('killed and started again under two reporters: the history equals the log', { timeout: 300_000 }, async () => {
    const url = await newDatabase()
    const log = createInProcessLog()
    await log.ensureTopics(topicSpecs('test', 2))
    const reporters = await Promise.all([1, 2].map(() => runReporter({ postgres_url: url as never }, log)))
    onTestFinished(async () => {
      for (const reporter of reporters) await reporter.close()
      await log.close()
    })
    const watching = await open(url)
    expect(await watching.openCount()).toBe(0)
    const episodesKept = async () => {
      const [counted] = await cluster.query(url, 'SELECT count(*) FROM episodes')
      return Number(counted?.count)
    }
    for (let round = 0; round < 3; round++) {
      const written = writeLoad(reporters[0]!, round)
      await until(episodesKept, (count) => count > round * loadEpisodes, 60_000)
      await cluster.kill()
      // The load may be through already, and who has nothing to write does not notice.
      await reporters[0]!.write('Notification', [
        notification({ id: `r${round}/late`, alertId: `r${round}e0`, atMs: nowMs + loadEpisodes }),
      ])
      await until(
        () => ready(reporters[1]!),
        (text) => text.includes('history'),
        30_000,
      )
      expect((await fetch(`${reporters[1]!.url}/api/v1/anomalies`)).status).toBe(503)
      await cluster.start()
      await written
    }
    const expected = await historyOfLog(log)
    await until(episodesKept, (count) => count === expected.length, 90_000)
    await until(
      async () => JSON.stringify(sorted(await allOf(watching))),
      (seen) => seen === JSON.stringify(sorted(expected)),
      90_000,
    )
    for (const reporter of reporters) {
      await until(
        () => ready(reporter),
        (text) => text.includes('"ready"'),
        30_000,
      )
      expect(reporter.failures).toEqual([])
    }
    const counted = await Promise.all(reporters.map(anomaliesCounted))
    expect(counted.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(expected.length)
  })
})

const loadEpisodes = 250

/** The life of some episodes, the records of one not always in order, with what was told and said. */
async function writeLoad(reporter: RunningReporter, round: number): Promise<void> {
  for (let i = 0; i < loadEpisodes; i++) {
    const episodeId = `r${round}e${i}`
    const labels = labelled('load', { instance: `i${i % 7}` })
    const first = anomaly({ id: `${episodeId}/open`, episodeId, labels, startedAtMs: i, observedAtMs: nowMs + i })
    const worse: Anomaly = {
      ...first,
      id: `${episodeId}/worse`,
      state: 'escalated',
      score: 3 + (i % 5),
      observedAtMs: nowMs + i + 1,
    }
    const ended: Anomaly = { ...first, id: `${episodeId}/end`, state: 'resolved', endedAtMs: i + 2, observedAtMs: nowMs + i + 2 }
    await reporter.write('Anomaly', i % 3 === 0 ? [ended, first, worse, first] : [first, worse, ended])
    await reporter.write('Notification', [notification({ id: `${episodeId}/slack`, alertId: episodeId, atMs: nowMs + i })])
    if (i % 4 === 0) await reporter.write('Feedback', [verdict(first, i % 8 === 0 ? 'confirmed' : 'false_alarm')])
  }
}

/** Now, so that the retention does not take it away. */
const nowMs = Date.now()

function verdict({ id, episodeId, seriesKey, startedAtMs }: Anomaly, said: Feedback['verdict']): Feedback {
  const about = { anomalyId: id, episodeId, seriesKey, startedAtMs, signature: null }
  return { ...about, id: `${id}/${said}`, verdict: said, author: 'ann', comment: '', origin: 'page', atMs: nowMs, untilMs: null }
}

async function ready({ url }: RunningReporter): Promise<string> {
  return (await fetch(`${url}/readyz`)).text()
}

async function anomaliesCounted({ url }: RunningReporter): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const counts = [...text.matchAll(/^lapwing_anomalies_total\{.*\} (\d+)$/gm)].map(([, count]) => Number(count))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** What the topics say, put together without a database. */
async function historyOfLog(log: Log): Promise<EpisodeHistory[]> {
  const read = async <Record>(topic: 'anomalies' | 'notifications' | 'feedback', name: 'Anomaly' | 'Notification' | 'Feedback') =>
    (await log.readToEnd(topicName('test', topic))).map(({ value }) => decode(name, value!) as Record)
  const episodes = new Map<string, Episode>()
  for (const record of await read<Anomaly>('anomalies', 'Anomaly'))
    episodes.set(record.episodeId, foldAnomaly(episodes.get(record.episodeId), record))
  const notifications = await read<Notification>('notifications', 'Notification')
  const judgements = await read<Feedback>('feedback', 'Feedback')
  return [...episodes.values()].map((episode) => {
    const said = judgements.find(({ episodeId }) => episodeId === episode.episodeId)
    return {
      episode,
      notifications: notifications.filter(({ alertId }) => alertId === episode.episodeId),
      judgement: said && judgementOf(said),
    }
  })
}

function judgementOf({ verdict: said, author, comment, origin, anomalyId, episodeId, atMs, untilMs }: Feedback) {
  return { verdict: said, author, comment, origin, anomalyId, episodeId, atMs, untilMs }
}

async function allOf(store: HistoryStore): Promise<EpisodeHistory[]> {
  return store.episodes({ limit: 10_000 })
}

function sorted(histories: readonly EpisodeHistory[]): unknown[] {
  const plain = histories.map(({ episode, notifications, judgement }) => ({
    episode: inOrder(episode),
    notifications: notifications.map(inOrder),
    judgement: judgement && inOrder(judgement),
  }))
  return plain.sort((a, b) => (JSON.stringify(a.episode) < JSON.stringify(b.episode) ? -1 : 1))
}

/** Keys in one order, however deep, so that texts can be compared. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, child]) => [key, inOrder(child)]))
}
