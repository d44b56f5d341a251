import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, describe, expect, test } from 'vitest'
import { describeHistory, opened, records, told } from '../testing/history-suite.ts'
import { openSqliteHistory } from './sqlite-history.ts'

const cleanups: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function open(directory?: string) {
  const store = await openSqliteHistory(directory)
  cleanups.push(() => store.close())
  return store
}

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'lapwing-history-'))
  cleanups.push(() => rmSync(directory, { recursive: true }))
  return directory
}

describe('history in SQLite', () => {
  describeHistory(() => open())

  test('survives a restart when it has a folder', async () => {
    const directory = temporaryDirectory()
    const before = await openSqliteHistory(directory)
    await before.record(records({ anomalies: [opened], notifications: [told] }))
    await before.close()
    const after = await open(directory)
    expect((await after.record(records({ anomalies: [opened] }))).opened).toEqual([])
    expect((await after.episodes({ limit: 1 }))[0]?.notifications).toEqual([told])
  })

  test('a file of another layout is filled again', async () => {
    const directory = temporaryDirectory()
    const old = new Database(join(directory, 'reporter.db'))
    old.exec('CREATE TABLE episodes (something TEXT)')
    old.close()
    const store = await open(directory)
    expect((await store.record(records({ anomalies: [opened] }))).opened).toHaveLength(1)
  })

  test('a file that a later release has migrated is filled again', async () => {
    const directory = temporaryDirectory()
    const before = await openSqliteHistory(directory)
    await before.close()
    const file = new Database(join(directory, 'reporter.db'))
    file.exec("INSERT INTO kysely_migration VALUES ('2099-01-later', '2099-01-01T00:00:00Z')")
    file.close()
    const store = await open(directory)
    expect((await store.record(records({ anomalies: [opened] }))).opened).toHaveLength(1)
  })
})
