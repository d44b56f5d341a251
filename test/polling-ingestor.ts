/** An ingestor as a process of its own that polls a Prometheus every second, and a way to end it that gives it no time to do anything. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface PollingIngestorOptions {
  readonly port: number
  readonly prometheusPort: number
  readonly brokerPort: number
  /** PromQL. */
  readonly queries: readonly string[]
}

/** The process, which tells its parent when it is ready. */
export function startPollingIngestor({ port, prometheusPort, brokerPort, queries }: PollingIngestorOptions): ChildProcess {
  const settings = {
    prometheus_url: `http://127.0.0.1:${prometheusPort}`,
    metrics: JSON.stringify(queries),
    port: String(port),
    step: '1s',
    poll_interval: '1s',
    lateness: '3s',
    history: '0s',
    max_gap_fill: '0s',
  }
  const sets = Object.entries(settings).flatMap(([key, value]) => ['--set', `ingestor.${key}=${value}`])
  return spawn(process.execPath, ['--import', 'tsx', 'services/ingestor/src/main.ts', ...sets], {
    cwd: fileURLToPath(new URL('../', import.meta.url)),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, KAFKA_BROKERS: `127.0.0.1:${brokerPort}` },
  })
}

/** Resolves when the process is gone. */
export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exited
}
