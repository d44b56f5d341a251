/**
 * The life of one service inside a process: configuration in, HTTP up, `start` run, ready; then closed in reverse order.
 *
 * Guarantees: a failed start undoes what had been started; `close` is idempotent and bounded by `closeDeadlineMs`; each service
 * has its own metrics registry, so that several can live in one process.
 */
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { commonSections } from './config.ts'
import type { ConfigSource } from './config-source.ts'
import { type ConfigWatcher, type LiveConfig, watchConfig } from './config-watcher.ts'
import { createHealth, type Health } from './health.ts'
import { addLandingPage, createHttp } from './http.ts'
import { listenProblem } from './listen-problem.ts'
import { type ProblemCounts, problemsLogged } from './logger.ts'
import { settingsYaml } from './settings-text.ts'

export interface ServiceContext<Config> {
  readonly name: string
  readonly version: string
  readonly config: Config
  /** The sections that the service has and shares, as they are in force now, without secrets. */
  settingsYaml(): string
  readonly logger: Logger
  readonly registry: Registry
  readonly http: FastifyInstance
  /**
   * Begins to listen; returns the address. A service calls it once its routes are added and before it waits for anything, so
   * that health can be asked for from the beginning. A service that does not call it listens when `start` has resolved.
   */
  listen(): Promise<string>
  readonly health: Health
  /** Says what of the configuration can change while the service runs; without it a change is checked and waits for the next start. */
  takeLive(live: LiveConfig<Config>): void
  /** Registers a clean-up; they run last in, first out. */
  onClose(name: string, close: () => Promise<void>): void
  /** Ends the service with an error it cannot recover from. */
  fail(error: Error): void
}

export interface ServiceOptions<Config> {
  readonly name: string
  readonly config: Config
  readonly logger: Logger
  readonly http: { readonly host: string; readonly port: number }
  readonly version: string
  /** Called once when the service gives up; the default writes the error and ends the process with exit code 1. */
  onFail(error: Error): void
  start(context: ServiceContext<Config>): Promise<void>
  /** Where the configuration was read, to be read again when it changes; without it, it stays. */
  readonly source?: ConfigSource<Config>
}

export interface RunningService {
  /** `http://host:port`, with the port that was really taken. */
  readonly url: string
  readonly registry: Registry
  /** Reads the configuration again although no file changed. */
  readConfigAgain(): Promise<void>
  close(): Promise<void>
}

/** Longest time `close` may take in all; what is not closed by then is named in the log and left. */
export const closeDeadlineMs = 10_000

export async function runService<Config extends object>(options: ServiceOptions<Config>): Promise<RunningService> {
  const registry = createRegistry(options.name, options.version, options.logger)
  const health = createHealth()
  health.declare('started', 'starting')
  const http = createHttp({ registry, health, logger: options.logger })
  const closers: { name: string; close: () => Promise<void> }[] = [{ name: 'http', close: () => http.close() }]
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= closeAll(closers, options.logger)
    return closing
  }
  let listening: Promise<string> | undefined
  const listen = () => {
    if (!listening && !http.hasRoute({ method: 'GET', url: '/' })) addLandingPage(http, options.name)
    listening ??= http.listen(options.http).then(
      (url) => {
        options.logger.info({ url }, 'listening')
        return url
      },
      (error: unknown) => {
        throw listenProblem(error, options.name, options.http)
      },
    )
    return listening
  }
  let watcher: ConfigWatcher<Config> | undefined
  let live: LiveConfig<Config> = { keys: [], prepare: () => async () => {} }
  try {
    await options.start({
      name: options.name,
      version: options.version,
      config: options.config,
      settingsYaml: () => settingsYaml(ownSections(options.name, watcher?.config() ?? options.config)),
      logger: options.logger,
      registry,
      http,
      listen,
      health,
      takeLive: (keys) => {
        live = keys
      },
      onClose: (name, closeOne) => closers.push({ name, close: closeOne }),
      fail: options.onFail,
    })
    const url = await listen()
    health.set('started', true)
    watcher = options.source && watch(options, options.source, live, registry)
    if (watcher) closers.push({ name: 'configuration', close: watcher.stop })
    return { url, registry, close, readConfigAgain: async () => watcher?.readAgain() }
  } catch (error) {
    await close()
    throw error
  }
}

function watch<Config extends object>(
  { config, logger, onFail }: ServiceOptions<Config>,
  source: ConfigSource<Config>,
  live: LiveConfig<Config>,
  registry: Registry,
): ConfigWatcher<Config> {
  return watchConfig({ source, config, live, registry, logger, onFail, nowMs: Date.now })
}

/** Several services may share a process and its configuration. */
function ownSections(name: string, config: object): object {
  const own = [...Object.keys(commonSections), name]
  return Object.fromEntries(Object.entries(config).filter(([section]) => own.includes(section)))
}

/** A timer of this period measures the lag of the event loop. The usual 10 ms wakes an idle process a hundred times a second for it. */
const eventLoopPrecisionMs = 50

function createRegistry(service: string, version: string, logger: Logger): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: eventLoopPrecisionMs })
  const build = new Gauge({
    name: 'lapwing_build_info',
    help: 'Always 1; the labels tell what is running.',
    labelNames: ['version', 'node_version'],
    registers: [registry],
  })
  build.set({ version, node_version: process.version }, 1)
  new Counter({
    name: 'lapwing_log_problems_total',
    help: 'Lines written to the log at the levels that tell of a problem.',
    labelNames: ['level'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [level, count] of Object.entries(problemsLogged(logger)))
        this.inc({ level: level as keyof ProblemCounts }, count)
    },
  })
  return registry
}

async function closeAll(closers: { name: string; close: () => Promise<void> }[], logger: Logger): Promise<void> {
  const deadline = AbortSignal.timeout(closeDeadlineMs)
  const expired = new Promise<'expired'>((resolve) =>
    deadline.addEventListener('abort', () => resolve('expired'), { once: true }),
  )
  for (const { name, close } of closers.reverse()) {
    const outcome = await Promise.race([close().catch((error: unknown) => ({ error })), expired])
    if (outcome === 'expired') logger.error({ closing: name, closeDeadlineMs }, `${name}: not closed in time, left behind`)
    else if (outcome) logger.error({ closing: name, err: outcome.error }, `${name}: closing failed`)
  }
}
