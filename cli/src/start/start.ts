/**
 * `lapwing start`: finds a log, starts the services, feeds them, says where the page is; undoes all of it on Ctrl-C.
 *
 * On Kafka every service is a process of its own, as in a cluster. The in-process log cannot be shared between processes, so
 * there they live in this one. Nothing is started when the configuration is refused.
 */
import type { ChosenLog } from '@lapwing/kafka-server/choose-log'
import { configuredQueries } from '@lapwing/queries/configured-queries'
import { type ConfigFlags, type OpenConfig, openAllConfig, readConfig, watchesPods } from './all-config.ts'
import { feedDemo } from './feed-demo.ts'
import { expectAnswer, findLog } from './find-log.ts'
import { startInOneProcess } from './one-process.ts'
import { portSettings } from './ports.ts'
import { startProcesses } from './processes.ts'
import type { Say } from './say.ts'
import { createServiceOutput, type ServiceOutput } from './service-output.ts'
import { EndedBeforeReady, type RunningServices } from './supervise.ts'

export interface StartFlags extends ConfigFlags {
  readonly log?: 'kafka' | 'in-process'
  readonly verbose: boolean
}

const say: Say = (label, text) => void process.stdout.write(`  ${label.padEnd(10)} ${text}\n`)

export async function start(flags: StartFlags): Promise<void> {
  const wanted = readConfig(flags)
  const undo: (() => Promise<void>)[] = []
  const stopRequested = untilSignal()
  process.stdout.write('Lapwing\n')
  try {
    const settled = { ...flags, set: [...flags.set, ...(await portSettings(wanted, say))] }
    const reason = await Promise.race([stopRequested, runUntilGivenUp(settled, undo)])
    process.stdout.write(`\n${reason}: stopping …\n`)
    if (reason !== interrupted) process.exitCode = 1
  } finally {
    for (const step of undo.reverse()) await step()
  }
  process.stdout.write('Stopped.\n')
  process.exit()
}

const interrupted = 'interrupted'

/** Starts everything, then waits; resolves with the reason when it cannot go on. How to undo what was started is put on `undo`. */
async function runUntilGivenUp(flags: StartFlags, undo: (() => Promise<void>)[]): Promise<string> {
  const opened = openAllConfig(flags)
  const { config } = opened
  const log = await findLog({ config, forced: flags.log, say })
  undo.push(log.stop)
  if (log.kind === 'kafka') await expectAnswer(config)
  const output = createServiceOutput(flags.verbose)
  undo.push(output.close)
  const services = await startServices(flags, opened, log, output)
  if (services instanceof EndedBeforeReady) return `${services.message}, see ${output.folder}/${services.service}.log`
  undo.push(services.stop)
  const { prometheus_url: prometheusUrl } = config.ingestor
  say(
    'source',
    prometheusUrl
      ? `Prometheus at ${prometheusUrl}, ${configuredQueries(config.ingestor).length} queries`
      : 'demo workload (set PROMETHEUS_URL to read yours)',
  )
  if (watchesPods(config))
    say('pods', `of ${config.pods.namespaces.map((name) => (name === '*' ? 'all namespaces' : name)).join(', ')}`)
  say('page', services.urls.get('reporter')!)
  say('metrics', `${services.urls.get('reporter')}/metrics`)
  say('logs', output.folder)
  if (log.kind === 'kafka' && config.kafka.brokers.length === 0)
    say('commands', `KAFKA_BROKERS=${log.brokers.join(',')} ./lapwing alerts list`)
  process.stdout.write('Ctrl-C stops everything.\n')
  if (!prometheusUrl) undo.push(feedDemo({ ingestorUrl: services.urls.get('ingestor')!, show: output.show }))
  return Promise.race([services.gaveUp, log.gone])
}

async function startServices(
  flags: StartFlags,
  opened: OpenConfig,
  log: ChosenLog,
  output: ServiceOutput,
): Promise<RunningServices | EndedBeforeReady> {
  if (log.kind !== 'kafka') return startInOneProcess(opened, output)
  return startProcesses({ flags, config: opened.config, brokers: log.brokers, output }).catch((error: unknown) => {
    if (error instanceof EndedBeforeReady) return error
    throw error
  })
}

/** Resolves at the first SIGINT or SIGTERM, or when nobody reads the output any more; a second signal ends the process at once. */
function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    let asked = false
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => resolve('the terminal is gone'))
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(1)
        asked = true
        resolve(interrupted)
      })
    }
  })
}
