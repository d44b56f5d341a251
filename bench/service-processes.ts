/**
 * A Kafka and some services as processes of their own, as in production; closed together.
 *
 * With `LAPWING_BENCH_PROFILE=FOLDER` each service writes its CPU profiles to a folder of its own there when it ends.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startTestBroker } from '@lapwing/kafka-server/test-broker'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import type { Log } from '@lapwing/stream/log'
import { cpuSeconds } from './cpu-time.ts'

export interface ServiceProcesses {
  readonly log: Log
  /** Address of each service, by its name. */
  readonly urls: ReadonlyMap<string, string>
  /** Processor seconds that each service and the broker have used, by name. */
  cpuSeconds(): ReadonlyMap<string, number>
  close(): Promise<void>
}

/** @param settings as given with `--set`, for every service */
export async function startServices(
  names: readonly string[],
  partitions: number,
  settings: readonly string[] = [],
): Promise<ServiceProcesses> {
  const broker = await startTestBroker(process.env)
  const { brokers, pid } = broker.server
  const services = names.map((name) =>
    startService(name, brokers[0], [`${name}.port=0`, `kafka.partitions=${partitions}`, ...settings]),
  )
  const urls = await Promise.all(services.map(async ({ name, ready }) => [name, await ready] as const))
  const pids: [string, number][] = [...services.map(({ name, child }) => [name, child.pid!] as [string, number]), ['broker', pid]]
  const log = createKafkaLog({ brokers: [...brokers], clientId: 'lapwing-bench', logger: silent })
  return {
    urls: new Map(urls),
    log,
    cpuSeconds: () => new Map(pids.map(([name, pid]) => [name, cpuSeconds(pid)])),
    close: async () => {
      await log.close()
      for (const { child } of services) await end(child)
      await broker.remove()
    },
  }
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

interface ServiceProcess {
  readonly name: string
  readonly child: ChildProcess
  readonly ready: Promise<string>
}

function startService(name: string, broker: string, settings: readonly string[]): ServiceProcess {
  const main = fileURLToPath(new URL(`../services/${name}/src/main.ts`, import.meta.url))
  const child = spawn(
    process.execPath,
    [...profileFlags(name), '--import', 'tsx', main, ...settings.flatMap((setting) => ['--set', setting])],
    {
      cwd: fileURLToPath(new URL('../', import.meta.url)),
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, KAFKA_BROKERS: broker },
    },
  )
  const ready = new Promise<string>((resolve, reject) => {
    child.on('message', (message: { url: string }) => resolve(message.url))
    child.on('exit', (code) => reject(new Error(`${name} ended with exit code ${code}`)))
  })
  return { name, child, ready }
}

function profileFlags(name: string): string[] {
  const folder = process.env.LAPWING_BENCH_PROFILE
  return folder ? ['--cpu-prof', `--cpu-prof-dir=${join(folder, name)}`] : []
}

async function end(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await exited
}
