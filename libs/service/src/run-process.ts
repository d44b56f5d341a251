/**
 * One service as one process: flags and environment in, exit code out. The only reader of `process.env`.
 *
 * Exit codes: 0 stopped on request, 1 gave up, 2 configuration refused (nothing was started). SIGINT and SIGTERM close in
 * order; a second one, or a close that outlives its deadline, ends the process at once. SIGHUP reads the configuration again. A process started by another over an
 * IPC channel ends when that parent is gone, so nothing is left behind.
 */
import { parseArgs } from 'node:util'
import type { z } from 'zod'
import { type CommonConfig, ConfigError, type ConfigOf, commonSections } from './config.ts'
import { type ConfigSource, openConfig } from './config-source.ts'
import { createLogger, standardOutput } from './logger.ts'
import { guardMemory } from './memory-guard.ts'
import { closeDeadlineMs, runService, type ServiceContext } from './run-service.ts'
import { startTracing } from './tracing.ts'
import { version } from './version.ts'

type SectionSchema = z.ZodType<{ readonly port: number }>

type OtherSections = Readonly<Record<string, z.ZodType>>

export interface ProcessDefinition<Section extends string, Schema extends SectionSchema, Others extends OtherSections> {
  /** Name of the service and of its section of the configuration. */
  readonly name: Section
  readonly schema: Schema
  /** What it reads of the sections of others. */
  readonly others?: Others
  start(context: ServiceContext<ServiceConfig<Section, Schema> & ConfigOf<Others>>): Promise<void>
}

export type ServiceConfig<Section extends string, Schema extends z.ZodType> = CommonConfig & ConfigOf<{ [K in Section]: Schema }>

/** What the parent is told over IPC once the service is ready to be used. */
export interface ReadyMessage {
  readonly type: 'ready'
  readonly service: string
  readonly url: string
}

export async function runProcess<
  Section extends string,
  Schema extends SectionSchema,
  Others extends OtherSections = Record<never, z.ZodType>,
>(definition: ProcessDefinition<Section, Schema, Others>): Promise<void> {
  const flags = flagsOrExit()
  const { config, source } = configOrExit(definition, flags)
  const section = config[definition.name] as { readonly port: number }
  const logger = createLogger({ name: definition.name, level: config.log.level, output: standardOutput(process.stdout.isTTY) })
  const onFail = (error: Error) => {
    logger.fatal({ err: error }, error.message)
    process.exit(1)
  }
  process.on('uncaughtException', onFail)
  process.on('unhandledRejection', (reason) => onFail(reason instanceof Error ? reason : new Error(String(reason))))
  guardMemory((message) => onFail(new Error(message)))
  let close: (() => Promise<void>) | undefined
  const stop = (cause: string) => {
    if (!close) process.exit(0)
    const closeNow = close
    close = undefined
    logger.info({ cause }, 'stopping')
    setTimeout(() => process.exit(1), closeDeadlineMs + 1000).unref()
    void closeNow()
      .then(endTracing)
      .then(() => process.exit(0))
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop(signal))
  process.on('disconnect', () => stop('parent is gone'))
  let readConfigAgain = async () => {}
  // In a terminal it says that the terminal is closed. While a service starts, it has just read its configuration.
  if (!process.stdout.isTTY) process.on('SIGHUP', () => void readConfigAgain())
  const endTracing = await startTracing(process.env, { serviceName: `lapwing-${definition.name}`, version })
  const running = await runService({
    name: definition.name,
    config,
    logger,
    http: { host: config.http.host, port: section.port },
    version,
    onFail,
    start: definition.start,
    source,
  }).catch(exitRefused)
  readConfigAgain = running.readConfigAgain
  close = running.close
  process.send?.({ type: 'ready', service: definition.name, url: running.url } satisfies ReadyMessage)
}

/** Of a main file that is started by itself; `lapwing NAME` has read its own. */
function flagsOrExit(): { config?: string; profile?: string; set: string[] } {
  try {
    const text = { type: 'string' } as const
    return parseArgs({ options: { config: text, profile: text, set: { ...text, multiple: true, default: [] } } }).values
  } catch (error) {
    const [problem] = (error as Error).message.split('. To specify')
    process.stderr.write(`${problem}\nExpected: [--config FILE] [--profile NAME] [--set section.key=value]…\n`)
    process.exit(2)
  }
}

/** The configuration as it is now, and where it is read again. Ends the process when it is refused. */
function configOrExit<Section extends string, Schema extends SectionSchema, Others extends OtherSections>(
  definition: ProcessDefinition<Section, Schema, Others>,
  flags: { config?: string | undefined; profile?: string | undefined; set: string[] },
): { config: ServiceConfig<Section, Schema> & ConfigOf<Others>; source: ConfigSource<never> } {
  try {
    return openConfig({ ...commonSections, ...definition.others, [definition.name]: definition.schema } as never, {
      file: flags.config ?? process.env.LAPWING_CONFIG,
      profile: flags.profile ?? process.env.LAPWING_PROFILE,
      environment: process.env,
      sets: flags.set,
    })
  } catch (error) {
    return exitRefused(error)
  }
}

/** What the user can put right is said without a stack; anything else goes on. Some of it shows only where the service starts. */
function exitRefused(error: unknown): never {
  if (!(error instanceof ConfigError)) throw error
  for (const problem of error.problems) process.stderr.write(`${problem}\n`)
  process.exit(2)
}
