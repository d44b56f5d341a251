/**
 * Shopify's toxiproxy, for what a network does to those who use it. Built once by Go into the cache folder.
 *
 * Source: toxiproxy 2.5.0, README "Toxics" and "HTTP API".
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheDirectory } from '@lapwing/kafka-server/cache-directory'
import { freePort } from '@lapwing/kafka-server/free-port'
import { startGuarded } from '@lapwing/kafka-server/guarded-process'
import { eventually } from '../../eventually.ts'

export interface Toxiproxy {
  /** A proxy of its own in front of a port of this machine. */
  proxy(name: string, port: number): Promise<BrokerProxy>
  stop(): Promise<void>
}

export interface BrokerProxy {
  readonly port: number
  add(toxic: Toxic): Promise<void>
  remove(name: string): Promise<void>
  /** Cuts every connection, and refuses new ones until it is opened again. */
  close(): Promise<void>
  open(): Promise<void>
}

export interface Toxic {
  readonly name: string
  readonly type: 'latency' | 'bandwidth' | 'timeout' | 'reset_peer' | 'limit_data'
  /** Downstream: from the broker to the service. */
  readonly stream: 'upstream' | 'downstream'
  /** Share of connections that get it. */
  readonly toxicity?: number
  readonly attributes: Readonly<Record<string, number>>
}

const version = '2.5.0'

/** Where the program is, built if need be. Rejects where there is no Go, or it cannot build it. */
export async function buildToxiproxy(): Promise<string> {
  const folder = join(cacheDirectory(process.env, homedir()), `toxiproxy-${version}`)
  const program = join(folder, 'server')
  if (existsSync(program)) return program
  await mkdir(folder, { recursive: true })
  await promisify(execFile)('go', ['install', `github.com/Shopify/toxiproxy/v2/cmd/server@v${version}`], {
    env: { ...process.env, GOBIN: folder, GOFLAGS: '-mod=mod' },
    timeout: buildTimeoutMs,
  })
  return program
}

const buildTimeoutMs = 240_000

/** @param outputPath file that its log is appended to */
export async function startToxiproxy(program: string, outputPath: string): Promise<Toxiproxy> {
  const port = await freePort()
  const { kill } = await startGuarded([program, '-host', '127.0.0.1', '-port', String(port)], outputPath)
  const url = `http://127.0.0.1:${port}`
  await eventually(async () => (await fetch(`${url}/version`)).ok, {
    what: 'toxiproxy answers',
    deadlineMs: 20_000,
    everyMs: 100,
  })
  return { proxy: (name, upstreamPort) => createProxy(url, name, upstreamPort), stop: kill }
}

async function createProxy(api: string, name: string, upstreamPort: number): Promise<BrokerProxy> {
  const upstream = `127.0.0.1:${upstreamPort}`
  const { listen } = await ask(`${api}/proxies`, 'POST', { name, listen: '127.0.0.1:0', upstream, enabled: true })
  const port = Number(String(listen).split(':').at(-1))
  const enable = (enabled: boolean) => ask(`${api}/proxies/${name}`, 'POST', { enabled, listen, upstream })
  return {
    port,
    add: async (toxic) => void (await ask(`${api}/proxies/${name}/toxics`, 'POST', toxic)),
    remove: async (toxic) => void (await ask(`${api}/proxies/${name}/toxics/${toxic}`, 'DELETE')),
    close: async () => void (await enable(false)),
    open: async () => void (await enable(true)),
  }
}

async function ask(url: string, method: string, body?: object): Promise<Record<string, unknown>> {
  const answer = await fetch(url, { method, body: body && JSON.stringify(body) })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`toxiproxy answered ${answer.status}: ${text}`)
  return text ? JSON.parse(text) : {}
}
