/**
 * A Kafka for tests: one for a whole run, and others for tests that kill theirs.
 *
 * The run's broker arrives through vitest's `inject('kafkaBrokers')`. Where no Kafka can be had that is empty, and the
 * integration tests skip themselves: `describe.skipIf(inject('kafkaBrokers').length === 0)`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheDirectory } from './cache-directory.ts'
import { type ChosenLog, chooseLog } from './choose-log.ts'
import { findJava } from './java.ts'
import { type KafkaServer, startKafka } from './server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** `host:port` of the run's broker; empty when no Kafka is to be had. */
    kafkaBrokers: readonly string[]
    /** Whether a test can have a broker of its own with `startTestBroker`. */
    canStartKafka: boolean
  }
}

type Environment = Readonly<Record<string, string | undefined>>

/** The broker of a run: KAFKA_BROKERS if set, else one that is started. Its data goes when it stops. */
export async function chooseTestLog(environment: Environment): Promise<ChosenLog> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'lapwing-kafka-'))
  const chosen = await chooseLog({
    brokers: environment.KAFKA_BROKERS?.split(',') ?? [],
    forced: environment.LAPWING_LOG === 'kafka' || environment.LAPWING_LOG === 'in-process' ? environment.LAPWING_LOG : undefined,
    dataDirectory,
    dockerHost: environment.DOCKER_HOST,
    ...fromJars(environment),
  })
  const stop = async () => {
    await chosen.stop()
    await rm(dataDirectory, { recursive: true })
  }
  return { ...chosen, stop }
}

/** Whether Kafka's jars can run here. */
export async function canStartKafka(environment: Environment): Promise<boolean> {
  return findJava(environment.JAVA_HOME).then(
    () => true,
    () => false,
  )
}

export interface TestBroker {
  readonly server: KafkaServer
  /** Another process on the same port and data, after the first is gone. */
  restart(): Promise<KafkaServer>
  /** Ends whichever runs, and removes the data. */
  remove(): Promise<void>
}

/** A broker of its own, for a test that kills it. Rejects with a KafkaServerError where the jars cannot run. */
export async function startTestBroker(environment: Environment): Promise<TestBroker> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'lapwing-kafka-'))
  const first = await startKafka({ dataDirectory, ...fromJars(environment) })
  let current = first
  const restart = async () => {
    current = await startKafka({ dataDirectory, port: first.port, ...fromJars(environment) })
    return current
  }
  const remove = async () => {
    await current.kill()
    await rm(dataDirectory, { recursive: true })
  }
  return { server: first, restart, remove }
}

function fromJars(environment: Environment) {
  return {
    cacheDirectory: cacheDirectory(environment, homedir()),
    repository: environment.MAVEN_REPOSITORY,
    javaHome: environment.JAVA_HOME,
    onProgress: () => undefined,
  }
}
