/**
 * Apache Kafka on this machine, from its own jars: one node, broker and controller in one (KRaft).
 *
 * The jars are fetched once, the data directory is formatted once, then the JVM runs until it is stopped, and never longer than
 * the process that started it (`guarded-process.ts`, which needs a POSIX shell; on Windows use Docker or a broker of your own).
 *
 * For one machine, tests and demonstrations: no replicas, no encryption, reachable from this machine only.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readFile, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { ensureJars, mavenCentral } from './download-jars.ts'
import { KafkaServerError } from './errors.ts'
import { freePort } from './free-port.ts'
import { type GuardedProcess, startGuarded } from './guarded-process.ts'
import { kafkaJars, kafkaVersion } from './jars.ts'
import { findJava } from './java.ts'
import { clusterId, jvmFlags, serverProperties } from './settings.ts'

export interface KafkaServerOptions {
  /** Keeps what is downloaded. */
  readonly cacheDirectory: string
  /** Keeps the log; may be from an earlier run of the same version. */
  readonly dataDirectory: string
  /** Where clients connect; a free one when absent. */
  readonly port?: number
  /** From MAVEN_REPOSITORY: address of a Maven repository, Maven Central when absent. */
  readonly repository: string | undefined
  /** From JAVA_HOME; `java` of the path when absent. */
  readonly javaHome: string | undefined
  onProgress(doneBytes: number, totalBytes: number): void
  /** For tests that want another broker than the plain one; called with the ports that clients and the controller use. */
  readonly settings?: (port: number, controllerPort: number) => Readonly<Record<string, string>>
  /** More arguments for formatting the data directory, such as first users. */
  readonly formatArguments?: readonly string[]
}

export interface KafkaServer {
  /** `host:port`. */
  readonly brokers: readonly [string]
  readonly port: number
  /** Of the JVM. */
  readonly pid: number
  /** Resolves when it has ended, for whatever reason, with the last lines that it wrote since it ran; empty when it wrote none. */
  readonly ended: Promise<string>
  /** In order, killed after a while. */
  stop(): Promise<void>
  /** At once, as a power cut would. */
  kill(): Promise<void>
}

/** Resolves when it accepts connections. Rejects with a KafkaServerError. */
export async function startKafka(options: KafkaServerOptions): Promise<KafkaServer> {
  const java = await findJava(options.javaHome)
  const directory = join(options.cacheDirectory, `kafka-${kafkaVersion}`)
  const jars = await ensureJars({
    jars: kafkaJars,
    repository: options.repository ?? mavenCentral,
    directory,
    onProgress: options.onProgress,
  })
  const port = options.port ?? (await freePort())
  const settings = join(options.dataDirectory, 'server.properties')
  await mkdir(options.dataDirectory, { recursive: true })
  const controllerPort = await freePort()
  await writeFile(
    settings,
    serverProperties(options.dataDirectory, port, controllerPort, options.settings?.(port, controllerPort)),
  )
  const command = [java, ...jvmFlags, '-cp', jars.join(':')]
  if (!(await isFormatted(options.dataDirectory))) {
    await runToEnd(
      [
        ...command,
        'kafka.tools.StorageTool',
        'format',
        '--cluster-id',
        clusterId,
        '--config',
        settings,
        ...(options.formatArguments ?? []),
      ],
      options.dataDirectory,
    )
  }
  const jvm = await startGuarded([...command, 'kafka.Kafka', settings], outputPath(options.dataDirectory))
  try {
    await waitUntilItAccepts(port, jvm, options.dataDirectory)
    const written = (await stat(outputPath(options.dataDirectory))).size
    const ended = jvm.ended.then(() => lastOutput(options.dataDirectory, written)).catch(() => '')
    return { brokers: [`127.0.0.1:${port}`], port, pid: jvm.pid, ended, kill: jvm.kill, stop: () => jvm.stop(stopTimeoutMs) }
  } catch (error) {
    await jvm.kill()
    throw error
  }
}

const startTimeoutMs = 90_000
const stopTimeoutMs = 10_000

async function isFormatted(dataDirectory: string): Promise<boolean> {
  return stat(join(dataDirectory, 'log', 'meta.properties')).then(
    () => true,
    () => false,
  )
}

async function runToEnd([command, ...commandArguments]: string[], dataDirectory: string): Promise<void> {
  const output = await open(outputPath(dataDirectory), 'a')
  try {
    const child = spawn(command!, commandArguments, { stdio: ['ignore', output.fd, output.fd] })
    const [code] = await once(child, 'exit')
    if (code !== 0) throw new KafkaServerError('not_started', await lastOutput(dataDirectory))
  } finally {
    await output.close()
  }
}

async function waitUntilItAccepts(port: number, jvm: GuardedProcess, dataDirectory: string): Promise<void> {
  const deadlineMs = performance.now() + startTimeoutMs
  while (!(await accepts(port))) {
    if (jvm.hasEnded()) throw new KafkaServerError('not_started', await lastOutput(dataDirectory))
    if (performance.now() > deadlineMs) throw new KafkaServerError('not_started', `silent after ${startTimeoutMs / 1000} s`)
    await setTimeout(50)
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function outputPath(dataDirectory: string): string {
  return join(dataDirectory, 'kafka.log')
}

async function lastOutput(dataDirectory: string, fromByte = 0): Promise<string> {
  const bytes = await readFile(outputPath(dataDirectory))
  return bytes.subarray(fromByte).toString().trim().split('\n').slice(-5).join('\n')
}
