/**
 * The brokers that the `topics` commands speak to: from the configuration, closed when the command is done.
 *
 * Brokers that do not answer, or do not let us in, are for the user to put right, so that is said without a stack.
 */
import { commonSections, loadConfig } from '@lapwing/service/config'
import { LogError } from '@lapwing/stream/errors'
import { accessOf } from '@lapwing/stream/kafka-access'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import type { Log } from '@lapwing/stream/log'
import { UserError } from '../user-error.ts'

export interface ConnectionFlags {
  readonly config?: string
  readonly profile?: string
}

/** What a command works with. */
export interface Deployment {
  readonly log: Log
  readonly prefix: string
  /** A part of the command's output. */
  write(text: string): void
}

/** With what a command needs that changes what is on the brokers. */
export interface ConfiguredDeployment extends Deployment {
  /** Of every topic, as configured. */
  readonly partitions: number
  /** A line beside the output. */
  warn(line: string): void
}

/** Rejects with a UserError when no brokers are configured or they do not answer, with a ConfigError, or as the command does. */
export async function withDeployment<Result>(
  { config: file, profile }: ConnectionFlags,
  command: (deployment: ConfiguredDeployment) => Promise<Result>,
): Promise<Result> {
  const { kafka } = loadConfig(commonSections, {
    file,
    profile,
    environment: process.env,
    sets: [],
  })
  const { brokers, topic_prefix: prefix, partitions } = kafka
  if (brokers.length === 0) {
    throw new UserError(
      'No brokers are configured: set KAFKA_BROKERS=host:9092, or kafka.brokers in the file named with --config.',
    )
  }
  const log = createKafkaLog({ brokers, access: accessOf(kafka), clientId: 'lapwing-cli', logger })
  try {
    return await command({
      log,
      prefix,
      partitions,
      write: (text) => void process.stdout.write(text),
      warn: (line) => void process.stderr.write(`${line}\n`),
    })
  } catch (error) {
    if (error instanceof LogError && curable.has(error.code)) throw new UserError(`${brokers.join(', ')}: ${error.message}`)
    throw error
  } finally {
    await log.close()
  }
}

const curable: ReadonlySet<string> = new Set(['unreachable', 'timeout', 'unauthorised'])

/** What matters reaches the command as an error. */
const logger = {
  debug: () => undefined,
  warn: (_object: object, message: string) => void process.stderr.write(`${message}\n`),
  error: (_object: object, message: string) => void process.stderr.write(`${message}\n`),
}
