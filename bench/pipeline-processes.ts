/** A Kafka, an ingestor and a detector as processes of their own, as in production; closed together. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheDirectory } from '@lapwing/kafka-server/cache-directory'
import { startKafka } from '@lapwing/kafka-server/server'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import type { Log } from '@lapwing/stream/log'

export interface PipelineProcesses {
  /** Where remote write goes. */
  readonly writeUrl: string
  readonly log: Log
  close(): Promise<void>
}

export async function startPipeline(partitions: number): Promise<PipelineProcesses> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'lapwing-bench-'))
  const kafka = await startKafka({
    cacheDirectory: cacheDirectory(process.env, homedir()),
    dataDirectory,
    repository: process.env.MAVEN_REPOSITORY,
    javaHome: process.env.JAVA_HOME,
    onProgress: () => {},
  })
  const services = ['ingestor', 'detector'].map((name) => startService(name, kafka.brokers[0], partitions))
  const urls = await Promise.all(services.map(({ ready }) => ready))
  const log = createKafkaLog({ brokers: [...kafka.brokers], clientId: 'lapwing-bench', logger: silent })
  return {
    writeUrl: `${urls[0]}/api/v1/write`,
    log,
    close: async () => {
      await log.close()
      for (const { child } of services) await end(child)
      await kafka.stop()
      await rm(dataDirectory, { recursive: true, force: true })
    },
  }
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

function startService(name: string, broker: string, partitions: number): { child: ChildProcess; ready: Promise<string> } {
  const main = fileURLToPath(new URL(`../services/${name}/src/main.ts`, import.meta.url))
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', main, '--set', `${name}.port=0`, '--set', `kafka.partitions=${partitions}`],
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
  return { child, ready }
}

async function end(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await exited
}
