/**
 * `lapwing start`: finds a log, starts the services, feeds them, says where the page is; undoes all of it on Ctrl-C.
 *
 * On Kafka every service is a process of its own, as in a cluster. The in-process log cannot be shared between processes, so
 * there they live in this one. Nothing is started when the configuration is refused.
 */
import { alerterSchema } from '@lapwing/alerter/config'
import { detectorSchema } from '@lapwing/detector/config'
import { driftSchema } from '@lapwing/drift/config'
import { ingestorSchema } from '@lapwing/ingestor/config'
import { reporterSchema } from '@lapwing/reporter/config'
import { type ConfigOf, commonSections, loadConfig } from '@lapwing/service/config'
import { feedDemo } from './feed-demo.ts'
import { findLog } from './find-log.ts'
import { startInOneProcess } from './one-process.ts'
import { portSettings } from './ports.ts'
import { startProcesses } from './processes.ts'
import { createServiceOutput } from './service-output.ts'

export interface StartFlags {
  readonly config?: string
  readonly profile?: string
  readonly set: string[]
  readonly log?: 'kafka' | 'in-process'
  readonly verbose: boolean
}

const allSections = {
  ...commonSections,
  ingestor: ingestorSchema,
  detector: detectorSchema,
  drift: driftSchema,
  alerter: alerterSchema,
  reporter: reporterSchema,
} as const

export type AllConfig = ConfigOf<typeof allSections>

/** The services while they run. */
export interface RunningServices {
  /** Address of each. */
  readonly urls: ReadonlyMap<string, string>
  /** Resolves with the reason when they cannot go on. */
  readonly gaveUp: Promise<string>
  stop(): Promise<void>
}

/** Says one thing on the terminal. */
export type Say = (label: string, text: string) => void

const say: Say = (label, text) => void process.stdout.write(`  ${label.padEnd(10)} ${text}\n`)

export async function start(flags: StartFlags): Promise<void> {
  const read = (sets: readonly string[]) =>
    loadConfig(allSections, { file: flags.config, profile: flags.profile, environment: process.env, sets })
  const wanted = read(flags.set)
  const undo: (() => Promise<void>)[] = []
  const stopRequested = untilSignal()
  try {
    const sets = [...flags.set, ...(await portSettings(wanted, say))]
    const reason = await Promise.race([stopRequested, run({ flags: { ...flags, set: sets }, config: read(sets), undo })])
    process.stdout.write(`\n${reason}: stopping …\n`)
    if (reason !== interrupted) process.exitCode = 1
  } finally {
    for (const step of undo.reverse()) await step()
  }
  process.stdout.write('Stopped.\n')
  process.exit()
}

const interrupted = 'interrupted'

/** Starts everything, then waits; resolves with the reason when it cannot go on. What was started is on `undo`. */
async function run({
  flags,
  config,
  undo,
}: {
  flags: StartFlags
  config: AllConfig
  undo: (() => Promise<void>)[]
}): Promise<string> {
  process.stdout.write('Lapwing\n')
  const log = await findLog({ config, forced: flags.log, say })
  undo.push(log.stop)
  const output = createServiceOutput(flags.verbose)
  undo.push(output.close)
  const services =
    log.kind === 'kafka' ? await startProcesses({ flags, brokers: log.brokers, output }) : await startInOneProcess(config, output)
  undo.push(services.stop)
  if (config.ingestor.prometheus_url)
    say('source', `Prometheus at ${config.ingestor.prometheus_url}, ${config.ingestor.metrics.length} queries`)
  else undo.push(feedDemo({ ingestorUrl: services.urls.get('ingestor')!, say, onError: output.show }))
  const page = services.urls.get('reporter')!
  say('page', page)
  say('metrics', `${page}/metrics`)
  say('logs', output.folder)
  process.stdout.write('Ctrl-C stops everything.\n')
  return services.gaveUp
}

/** Resolves at the first SIGINT or SIGTERM; the second ends the process at once. */
function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    let asked = false
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(1)
        asked = true
        resolve(interrupted)
      })
    }
  })
}
