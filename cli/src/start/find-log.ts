/**
 * The log that the services will use: the best at hand, said in one line.
 *
 * A Kafka started here keeps its data between starts when it holds somebody's metrics; the demo's is thrown away.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { topicName } from '@lapwing/contracts/topics'
import { cacheDirectory } from '@lapwing/kafka-server/cache-directory'
import { type ChosenLog, chooseLog } from '@lapwing/kafka-server/choose-log'
import { KafkaServerError } from '@lapwing/kafka-server/errors'
import { LogError } from '@lapwing/stream/errors'
import { accessOf } from '@lapwing/stream/kafka-access'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import { createProgress, type Progress } from '../progress.ts'
import { unlessAbsent } from '../topics/unless-absent.ts'
import { UserError } from '../user-error.ts'
import type { AllConfig } from './all-config.ts'
import type { Say } from './say.ts'

export interface LogSearch {
  readonly config: AllConfig
  readonly forced: 'kafka' | 'in-process' | undefined
  readonly say: Say
}

export async function findLog({ config, forced, say }: LogSearch): Promise<ChosenLog> {
  const isDemo = config.ingestor.prometheus_url === undefined
  const dataDirectory = isDemo ? await mkdtemp(join(tmpdir(), 'lapwing-kafka-')) : keptDirectory(process.env)
  let progress: Progress | undefined
  const log = await chooseLog({
    brokers: config.kafka.brokers,
    forced,
    cacheDirectory: cacheDirectory(process.env, homedir()),
    dataDirectory,
    repository: process.env.MAVEN_REPOSITORY,
    javaHome: process.env.JAVA_HOME,
    dockerHost: process.env.DOCKER_HOST,
    onProgress: (doneBytes, totalBytes) => {
      progress ??= createProgress({
        label: '  fetching Apache Kafka',
        total: totalBytes,
        stream: process.stderr,
        now: () => performance.now(),
      })
      progress.update(doneBytes)
    },
  }).catch(async (error: unknown) => {
    if (isDemo) await rm(dataDirectory, { recursive: true, force: true })
    throw error instanceof KafkaServerError ? new UserError(error.message) : error
  })
  progress?.end()
  say('log', log.why)
  return {
    ...log,
    stop: async () => {
      await log.stop()
      if (isDemo) await rm(dataDirectory, { recursive: true, force: true })
    },
  }
}

/** Rejects with a UserError when the brokers that are configured do not answer, or do not let us in. */
export async function expectAnswer({ kafka }: AllConfig): Promise<void> {
  const { brokers } = kafka
  if (brokers.length === 0) return
  const log = createKafkaLog({ brokers, access: accessOf(kafka), clientId: 'lapwing-start', logger: silent })
  try {
    await unlessAbsent(log.partitionCount(topicName(kafka.topic_prefix, 'samples')))
  } catch (error) {
    if (!(error instanceof LogError)) throw error
    throw new UserError(
      `Kafka at ${brokers.join(', ')}: ${error.message}.\nStart it, or correct KAFKA_BROKERS (kafka.brokers). Without it Lapwing starts a log of its own.`,
    )
  } finally {
    await log.close()
  }
}

const silent = { debug: () => {}, warn: () => {}, error: () => {} }

/** The place for data that a program keeps, by freedesktop.org's base directory specification. */
function keptDirectory(environment: NodeJS.ProcessEnv): string {
  return join(environment.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'lapwing', 'kafka')
}
