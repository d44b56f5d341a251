/** A real PostgreSQL of a test's own: Debian's binaries, a temporary folder, a free port. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@lapwing/kafka-server/free-port'
import { Client } from 'pg'
import { until } from './running-reporter.ts'

const versions = '/usr/lib/postgresql'
const newest = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a))[0] : undefined
/** Folder of `initdb` and `postgres`; undefined where Debian's package `postgresql` is not installed. */
export const postgresPrograms = newest && join(versions, newest, 'bin')

export interface PostgresCluster {
  /** Address of its first database. */
  readonly url: string
  /** Makes a database beside the others and returns its address. */
  createDatabase(name: string): Promise<string>
  /** @param database address of it */
  query(database: string, text: string): Promise<readonly Record<string, unknown>[]>
  /** SIGKILL to the server; what it was doing is lost with it. */
  kill(): Promise<void>
  /** Starts it again on the same files. */
  start(): Promise<void>
  remove(): Promise<void>
}

export async function startPostgres(): Promise<PostgresCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-postgres-'))
  const owner = ownerOf(folder)
  execFileSync(
    join(postgresPrograms!, 'initdb'),
    ['-D', join(folder, 'data'), '-A', 'trust', '-U', 'lapwing', '--no-sync', '-E', 'UTF8'],
    {
      ...owner,
      stdio: 'ignore',
    },
  )
  const port = await freePort()
  const url = `postgres://lapwing@127.0.0.1:${port}/postgres`
  let server: ChildProcess | undefined
  const start = async () => {
    server = await untilItAnswers(() => startServer(folder, port, owner), url)
  }
  const end = async (signal: 'SIGKILL' | 'SIGQUIT') => {
    if (!server || server.exitCode !== null || server.signalCode !== null) return
    const exited = once(server, 'exit')
    server.kill(signal)
    await exited
  }
  await start()
  return {
    url,
    createDatabase: async (name) => {
      await query(url, `CREATE DATABASE ${name}`)
      return url.replace(/postgres$/, name)
    },
    query,
    kill: () => end('SIGKILL'),
    start,
    remove: async () => {
      await end('SIGQUIT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** PostgreSQL refuses to run as root: then it runs as the user that its package has made. */
function ownerOf(folder: string): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' })))
  chownSync(folder, uid!, gid!)
  return { uid: uid!, gid: gid! }
}

function startServer(folder: string, port: number, owner: { uid?: number; gid?: number }): ChildProcess {
  // A killed server loses nothing that the system has taken, so waiting for the disk would show nothing and cost minutes.
  const settings = ['fsync=off', `port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`]
  const flags = settings.flatMap((setting) => ['-c', setting])
  return spawn(join(postgresPrograms!, 'postgres'), ['-D', join(folder, 'data'), ...flags], {
    ...owner,
    cwd: folder,
    stdio: 'ignore',
  })
}

/** A server that was killed leaves children for a moment, and until they are gone another one does not start. */
async function untilItAnswers(start: () => ChildProcess, url: string): Promise<ChildProcess> {
  let server = start()
  await until(
    async () => {
      if (server.exitCode !== null) server = start()
      return query(url, 'SELECT 1').then(
        () => 'answers',
        (error: Error) => error.message,
      )
    },
    (seen) => seen === 'answers',
    60_000,
  )
  return server
}

async function query(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}
