import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, describe, expect, test } from 'vitest'
import { anomaly, notification } from '../testing/records.ts'
import { labelled } from '../testing/score-batch.ts'
import { openSqliteHistory } from './sqlite-history-store.ts'

const cleanups: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function open(directory?: string) {
  const store = openSqliteHistory(directory)
  cleanups.push(() => store.close())
  return store
}

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'lapwing-history-'))
  cleanups.push(() => rmSync(directory, { recursive: true }))
  return directory
}

const opened = anomaly({ id: 'e1/open', episodeId: 'e1', startedAtMs: 100, observedAtMs: 120 })
const resolved = { ...opened, id: 'e1/resolved', state: 'resolved' as const, observedAtMs: 300, endedAtMs: 280, value: 2 }
const later = anomaly({ id: 'e2/open', episodeId: 'e2', labels: labelled('other'), startedAtMs: 200, observedAtMs: 220 })
const told = notification({ id: 'n1', alertId: 'e1', atMs: 130 })
const held = notification({
  id: 'n2',
  alertId: 'e1',
  receiver: 'alertmanager',
  outcome: 'suppressed',
  reason: 'flapping',
  atMs: 140,
})

describe('history in SQLite', () => {
  test('tells which episodes are new, once', async () => {
    const store = open()
    const first = await store.record({ anomalies: [opened, resolved, later], notifications: [told] })
    expect(first.opened.map((episode) => episode.episodeId)).toEqual(['e1', 'e2'])
    expect(first.changedIds).toEqual(['e1', 'e2'])
    const again = await store.record({ anomalies: [resolved, opened, later], notifications: [told] })
    expect(again).toEqual({ opened: [], changedIds: [] })
  })

  test('answers what went in: newest first, with its notifications in order', async () => {
    const store = open()
    await store.record({ anomalies: [opened, later], notifications: [held, told] })
    const [newest, oldest] = await store.episodes({ limit: 10 })
    expect(newest).toMatchObject({ episode: { episodeId: 'e2' }, notifications: [] })
    expect(oldest?.episode).toEqual({
      ...newest?.episode,
      episodeId: 'e1',
      seriesKey: opened.seriesKey,
      metric: 'requests',
      labels: opened.labels,
      startedAtMs: 100,
      observedAtMs: 120,
      worst: { ...newest?.episode.worst, recordId: 'e1/open' },
    })
    expect(oldest?.notifications).toEqual([told, held])
  })

  test('filters by state, series, time, id and number', async () => {
    const store = open()
    await store.record({ anomalies: [opened, resolved, later], notifications: [] })
    const ids = async (query: Partial<Parameters<typeof store.episodes>[0]>) =>
      (await store.episodes({ limit: 10, ...query })).map(({ episode }) => episode.episodeId)
    expect(await ids({})).toEqual(['e2', 'e1'])
    expect(await ids({ state: 'open' })).toEqual(['e2'])
    expect(await ids({ state: 'resolved' })).toEqual(['e1'])
    expect(await ids({ seriesKey: later.seriesKey })).toEqual(['e2'])
    expect(await ids({ fromMs: 150 })).toEqual(['e2'])
    expect(await ids({ ids: ['e1', 'nobody'] })).toEqual(['e1'])
    expect(await ids({ limit: 1 })).toEqual(['e2'])
    expect(await store.openCount()).toBe(1)
    expect((await store.steps('e1')).map((step) => step.state)).toEqual(['open', 'resolved'])
  })

  test('numbers that are not finite come back as NaN', async () => {
    const store = open()
    await store.record({ anomalies: [{ ...opened, value: Number.NaN, upper: Number.POSITIVE_INFINITY }], notifications: [] })
    const [found] = await store.episodes({ limit: 1 })
    expect(found?.episode.worst).toMatchObject({ value: Number.NaN, upper: Number.NaN, expected: 2 })
  })

  test('survives a restart when it has a folder', async () => {
    const directory = temporaryDirectory()
    const before = openSqliteHistory(directory)
    await before.record({ anomalies: [opened], notifications: [told] })
    await before.close()
    const after = open(directory)
    expect((await after.record({ anomalies: [opened], notifications: [] })).opened).toEqual([])
    expect((await after.episodes({ limit: 1 }))[0]?.notifications).toEqual([told])
  })

  test('a file of another layout is filled again', async () => {
    const directory = temporaryDirectory()
    const old = new Database(join(directory, 'reporter.db'))
    old.exec('CREATE TABLE episodes (something TEXT); PRAGMA user_version = 999')
    old.close()
    const store = open(directory)
    expect((await store.record({ anomalies: [opened], notifications: [] })).opened).toHaveLength(1)
  })

  test('forgets what has had no record since the retention began', async () => {
    const store = open()
    await store.record({ anomalies: [opened, resolved, later], notifications: [told, { ...held, atMs: 400 }] })
    await store.expire(250)
    expect((await store.episodes({ limit: 10 })).map(({ episode }) => episode.episodeId)).toEqual(['e1'])
    expect((await store.episodes({ limit: 10 }))[0]?.notifications.map(({ id }) => id)).toEqual(['n2'])
    await store.expire(1000)
    expect(await store.episodes({ limit: 10 })).toEqual([])
    expect(await store.steps('e1')).toEqual([])
  })

  test('a batch that fails leaves nothing behind', async () => {
    const store = open()
    const broken = { ...later, labels: null as never }
    await expect(store.record({ anomalies: [opened, broken], notifications: [] })).rejects.toThrow()
    expect(await store.episodes({ limit: 10 })).toEqual([])
    expect((await store.record({ anomalies: [opened], notifications: [] })).opened).toHaveLength(1)
  })
})
