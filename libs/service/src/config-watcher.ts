/**
 * Reads the configuration again when its file changes or the process is asked to, and keeps the last good one.
 *
 * A new configuration is taken whole or not at all: it is validated as at the start, and what lives on it prepares the change before anything is
 * touched. One that is refused changes nothing; the log says why with file, line and key, and a metric says so until a good one comes.
 * Keys that only a start can bring into force are named.
 */
import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'
import { ConfigError, type ConfigReading } from './config.ts'
import { configChange, withLive } from './config-change.ts'
import type { ConfigSource } from './config-source.ts'

/** What a service can take on while it runs. */
export interface LiveConfig<Config> {
  /** `section.key`, or `section.*` of a section that is another's. */
  readonly keys: readonly string[]
  /** Checks what follows from the configuration and opens what may fail; nothing has changed when it throws. Returns what makes the change, or rejects when `stopping` says so. */
  prepare(next: Config): (stopping: AbortSignal) => Promise<void>
}

export interface ConfigWatcherOptions<Config extends object> {
  readonly source: ConfigSource<Config>
  /** What the process started with. */
  readonly config: Config
  readonly live: LiveConfig<Config>
  readonly registry: Registry
  readonly logger: Logger
  /** A change that was begun and could not be made: the process must end and start with the new configuration. */
  onFail(error: Error): void
  nowMs(): number
}

export interface ConfigWatcher<Config> {
  /** What is in force now. */
  config(): Config
  /** Reads it again although no file changed. */
  readAgain(): Promise<void>
  /** Ends the waiting of a change that is being made. */
  stop(): Promise<void>
}

/** A file is taken when it looked the same twice, so that one in the middle of being written is not. */
const intervalMs = 1000

export function watchConfig<Config extends object>(options: ConfigWatcherOptions<Config>): ConfigWatcher<Config> {
  const { source, logger, onFail } = options
  const metrics = createReloadMetrics(options.registry, options.nowMs)
  let inForce: ConfigReading<Config> = { config: options.config, settings: source.started }
  let taking: Promise<void> = Promise.resolve()
  const stopping = new AbortController()
  const takeOn = async () => {
    const taken = stopping.signal.aborted ? undefined : prepareChange(options, inForce)
    if (!taken) return
    if ('refused' in taken) {
      logger.error({ problems: taken.refused }, `the configuration stays as it was: ${taken.refused.join('\n')}`)
      metrics.refused()
      return
    }
    await taken.make(stopping.signal)
    inForce = taken.inForce
    const { restart } = configChange(source.started, inForce.settings, source.sections, options.live.keys)
    metrics.took(restart.length)
    logger.info({ inForce: taken.changed, needsRestart: restart }, textOf(taken.changed, restart))
  }
  const readAgain = () => {
    taking = taking
      .then(takeOn)
      .catch((error: Error) => stopping.signal.aborted || onFail(error))
      .then(() => {})
    return taking
  }
  const timer = setInterval(onceChanged(source, readAgain), intervalMs).unref()
  return {
    config: () => inForce.config,
    readAgain,
    stop: async () => {
      stopping.abort()
      clearInterval(timer)
      await taking
    },
  }
}

/** Calls back once for each state of the files that is another and stays for an interval. */
function onceChanged(
  { look, lookAtStart }: Pick<ConfigSource<object>, 'look' | 'lookAtStart'>,
  onChange: () => void,
): () => void {
  let known = lookAtStart
  let last = known
  return () => {
    const now = look()
    const isSettled = now === last && now !== known
    last = now
    if (!isSettled) return
    known = now
    onChange()
  }
}

type Taken<Config> =
  | { readonly refused: readonly string[] }
  | {
      readonly inForce: ConfigReading<Config>
      /** Keys of what comes into force. */
      readonly changed: readonly string[]
      make(stopping: AbortSignal): Promise<void>
    }

function prepareChange<Config extends object>(
  { source, live }: ConfigWatcherOptions<Config>,
  inForce: ConfigReading<Config>,
): Taken<Config> {
  try {
    const next = source.read()
    const { live: changed } = configChange(inForce.settings, next.settings, source.sections, live.keys)
    const config = withLive(inForce.config, next.config, live.keys)
    const make = changed.length > 0 ? live.prepare(config) : async () => {}
    return { inForce: { config, settings: next.settings }, changed, make }
  } catch (error) {
    if (error instanceof ConfigError) return { refused: error.problems }
    return { refused: [(error as Error).message] }
  }
}

function textOf(changed: readonly string[], restart: readonly string[]): string {
  const parts = [changed.length > 0 ? `in force now: ${changed.join(', ')}` : 'nothing changes now']
  if (restart.length > 0) parts.push(`in force after a restart: ${restart.join(', ')}`)
  return `configuration read again; ${parts.join('; ')}`
}

function createReloadMetrics(registry: Registry, nowMs: () => number) {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] })
  const successful = gauge(
    'lapwing_config_last_reload_successful',
    '1 when the configuration was taken the last time it was read; 0 when it was refused and the one before stays in force.',
  )
  const successAt = gauge(
    'lapwing_config_last_reload_success_timestamp_seconds',
    'When a configuration was taken last, the start included.',
  )
  const waiting = gauge('lapwing_config_restart_needed', 'Changed keys of the configuration that come into force with a restart.')
  const took = (keys: number) => {
    successful.set(1)
    successAt.set(nowMs() / 1000)
    waiting.set(keys)
  }
  took(0)
  return { took, refused: () => successful.set(0) }
}
