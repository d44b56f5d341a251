/** Real servers of others for the end-to-end tests: Debian's Prometheus and node exporter, on free ports, in folders of their own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './eventually.ts'

export const programs = {
  prometheus: '/usr/bin/prometheus',
  nodeExporter: '/usr/bin/prometheus-node-exporter',
  alertmanager: '/usr/bin/prometheus-alertmanager',
  chromium: '/usr/bin/chromium',
  java: 'java',
} as const

/** Those that are not installed, by path. */
export function missingPrograms(names: readonly (keyof typeof programs)[]): string[] {
  return names.map((name) => programs[name]).filter((path) => path.startsWith('/') && !existsSync(path))
}

export interface Server {
  readonly url: string
  stop(): Promise<void>
}

export async function startNodeExporter(): Promise<Server> {
  const port = await freePort()
  const child = spawn(programs.nodeExporter, [`--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' })
  return ready(`http://127.0.0.1:${port}`, '/metrics', () => end(child))
}

/** A Prometheus that scrapes `target` once a second. It listens on `port`, so that others can know its address before it is up. */
export async function startPrometheus(port: number, target: string): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'lapwing-prometheus-'))
  const config = join(folder, 'prometheus.yml')
  await writeFile(
    config,
    `global: {scrape_interval: 1s}\nscrape_configs: [{job_name: node, static_configs: [{targets: ['${new URL(target).host}']}]}]\n`,
  )
  const child = spawn(
    programs.prometheus,
    [`--config.file=${config}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`],
    { stdio: 'ignore' },
  )
  return ready(`http://127.0.0.1:${port}`, '/-/ready', async () => {
    await end(child)
    await rm(folder, { recursive: true, force: true })
  })
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

async function ready(url: string, path: string, stop: () => Promise<void>): Promise<Server> {
  await eventually(async () => (await fetch(url + path)).ok, { what: `${url}${path} answers`, deadlineMs: 30_000 })
  return { url, stop }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await exited
}
