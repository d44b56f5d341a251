/** Real servers of others for the end-to-end tests: Debian's Prometheus and node exporter, on free ports, in folders of their own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@lapwing/kafka-server/free-port'
import { eventually } from './eventually.ts'

export const programs = {
  prometheus: '/usr/bin/prometheus',
  promtool: '/usr/bin/promtool',
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

export interface PrometheusOptions {
  /** `1s` unless told otherwise. */
  readonly scrapeInterval?: string
  /** Put on all series of the target. */
  readonly labels?: Readonly<Record<string, string>>
  /** Address it writes to, of the metrics whose names match. */
  readonly writes?: { readonly url: string; readonly metrics: string }
  /** Path of an OpenMetrics file with the past of its series. */
  readonly history?: string
}

/** A Prometheus that scrapes `target`. It listens on `port`, so that others can know its address before it is up. */
export function startPrometheus(port: number, target: string, options: PrometheusOptions = {}): Promise<Server> {
  return startPrometheusServer({ config: prometheusConfig(target, options), port, history: options.history })
}

export interface PrometheusServerOptions {
  readonly config: object
  readonly flags?: readonly string[]
  /** A free one unless given. */
  readonly port?: number
  readonly history?: string | undefined
}

/** A Prometheus as it is configured, in a folder of its own. */
export async function startPrometheusServer({ config, flags = [], ...options }: PrometheusServerOptions): Promise<Server> {
  const port = options.port ?? (await freePort())
  const folder = await mkdtemp(join(tmpdir(), 'lapwing-prometheus-'))
  const file = join(folder, 'prometheus.yml')
  // JSON is YAML.
  await writeFile(file, JSON.stringify(config))
  if (options.history) {
    const { status, stderr } = spawnSync(programs.promtool, [
      ...['tsdb', 'create-blocks-from', 'openmetrics', options.history, `${folder}/data`],
    ])
    if (status !== 0) throw new Error(String(stderr))
  }
  const child = spawn(
    programs.prometheus,
    [`--config.file=${file}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`, ...flags],
    { stdio: 'ignore' },
  )
  return ready(`http://127.0.0.1:${port}`, '/-/ready', async () => {
    await end(child)
    await rm(folder, { recursive: true, force: true })
  })
}

function prometheusConfig(target: string, { labels, writes, scrapeInterval = '1s' }: PrometheusOptions): object {
  const job = { job_name: 'node', static_configs: [{ targets: [new URL(target).host], labels: labels ?? {} }] }
  const keep = { source_labels: ['__name__'], regex: writes?.metrics, action: 'keep' }
  const queue = { batch_send_deadline: '500ms', max_backoff: '1s' }
  return {
    global: { scrape_interval: scrapeInterval },
    scrape_configs: [job],
    ...(writes && { remote_write: [{ url: writes.url, write_relabel_configs: [keep], queue_config: queue }] }),
  }
}

async function ready(url: string, path: string, stop: () => Promise<void>): Promise<Server> {
  await eventually(async () => (await fetch(url + path)).ok, { what: `${url}${path} answers`, deadlineMs: 120_000 })
  return { url, stop }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await exited
}
