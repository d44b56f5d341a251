/**
 * Which log this machine runs on: the first that is to be had of brokers that are named, Docker, Kafka's jars on Java 17, and
 * the log within the process.
 *
 * Every way that fails leaves its reason, and the choice is one sentence with all of them, so nobody has to guess why it is
 * not Kafka. Brokers that are named are taken as they are, reachable or not: a wrong address must show, not be worked around.
 */
import { connect } from 'node:net'
import { join } from 'node:path'
import { KafkaServerError } from './errors.ts'
import { startKafka } from './server.ts'

export type LogKind = 'kafka' | 'in-process'

export interface LogWishes {
  /** From KAFKA_BROKERS or the configuration; empty when none are named. */
  readonly brokers: readonly string[]
  /** From LAPWING_LOG. `kafka` refuses to go on without. */
  readonly forced: LogKind | undefined
  readonly cacheDirectory: string
  /** For the log of a Kafka started here. */
  readonly dataDirectory: string
  /** From MAVEN_REPOSITORY. */
  readonly repository: string | undefined
  /** From JAVA_HOME. */
  readonly javaHome: string | undefined
  /** From DOCKER_HOST. */
  readonly dockerHost: string | undefined
  onProgress(doneBytes: number, totalBytes: number): void
}

export interface ChosenLog {
  readonly kind: LogKind
  /** `host:port`; empty for the log within the process. */
  readonly brokers: readonly string[]
  /** One sentence for the log. */
  readonly why: string
  /** Resolves with the reason when what was started for it is there no longer; never for what was not started here. */
  readonly gone: Promise<string>
  /** Ends what was started for it. */
  stop(): Promise<void>
}

/** Rejects with `no_kafka` when Kafka is forced and there is none. */
export async function chooseLog(wishes: LogWishes): Promise<ChosenLog> {
  if (wishes.forced === 'in-process') return inProcess('asked for')
  if (wishes.brokers.length > 0) {
    return {
      kind: 'kafka',
      brokers: wishes.brokers,
      why: `Kafka at ${wishes.brokers.join(', ')}, as configured`,
      gone: never,
      stop: async () => undefined,
    }
  }
  const reasons: string[] = []
  for (const start of [startInDocker, startFromJars]) {
    try {
      return await start(wishes)
    } catch (error) {
      reasons.push((error as Error).message)
    }
  }
  if (wishes.forced === 'kafka') throw new KafkaServerError('no_kafka', reasons.join('; '))
  return inProcess(reasons.join('; '))
}

const never = new Promise<never>(() => {})

function inProcess(why: string): ChosenLog {
  return { kind: 'in-process', brokers: [], why: `the log within the process (${why})`, gone: never, stop: async () => undefined }
}

async function startFromJars(wishes: LogWishes): Promise<ChosenLog> {
  const server = await startKafka(wishes)
  const { brokers, stop } = server
  const gone = server.ended.then((lines) => `${lines && `${lines.replace(/^/gm, '  kafka      ')}\n`}Kafka has ended by itself`)
  return { kind: 'kafka', brokers, why: `Apache Kafka from its jars at ${brokers[0]}`, gone, stop }
}

/** testcontainers is loaded only when an engine answers: it takes a second, and longer to find out that there is none. */
async function startInDocker({ dockerHost }: LogWishes): Promise<ChosenLog> {
  await refuseWithoutDocker(dockerHost)
  const { KafkaContainer } = await import('@testcontainers/kafka')
  const container = await new KafkaContainer(dockerImage)
    .withKraft()
    .withEnvironment({ KAFKA_MESSAGE_MAX_BYTES: String(16 * 1024 * 1024), KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0' })
    .start()
  const broker = `${container.getHost()}:${container.getMappedPort(containerPort)}`
  const stop = async () => {
    await container.stop()
  }
  return { kind: 'kafka', brokers: [broker], why: `Kafka in Docker (${dockerImage}) at ${broker}`, gone: never, stop }
}

/** The image the module is made for; 8.0 holds Kafka 4.0. */
const dockerImage = 'confluentinc/cp-kafka:8.0.0'
const containerPort = 9093
const dockerTimeoutMs = 1000

async function refuseWithoutDocker(dockerHost: string | undefined): Promise<void> {
  const { protocol, hostname, port, pathname } = new URL(dockerHost ?? 'unix:///var/run/docker.sock')
  const address = protocol === 'unix:' ? { path: join('/', pathname) } : { host: hostname, port: Number(port || 2375) }
  const answers = await new Promise<boolean>((resolve) => {
    const socket = connect(address)
    const settle = (isUp: boolean) => {
      socket.destroy()
      resolve(isUp)
    }
    socket.setTimeout(dockerTimeoutMs, () => settle(false))
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })
  if (!answers) throw new Error('no Docker engine answers')
}
