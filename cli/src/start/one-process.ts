/** All services in this process, on the log in memory: for a machine with neither Docker nor Java. */
import { startAlerter } from '@lapwing/alerter/start'
import { startDetector } from '@lapwing/detector/start'
import { startTrainer } from '@lapwing/detector/trainer/start'
import { startDrift } from '@lapwing/drift/start'
import { startIngestor } from '@lapwing/ingestor/start'
import { startReporter } from '@lapwing/reporter/start'
import { commonSections } from '@lapwing/service/config'
import { createLogger } from '@lapwing/service/logger'
import { type RunningService, runService, type ServiceContext } from '@lapwing/service/run-service'
import { startTracing } from '@lapwing/service/tracing'
import { version } from '@lapwing/service/version'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Log } from '@lapwing/stream/log'
import { type AllConfig, type OpenConfig, type ServiceName, watchesPods } from './all-config.ts'
import type { ServiceOutput } from './service-output.ts'
import type { RunningServices } from './supervise.ts'

type Start = (context: ServiceContext<AllConfig>, log: Log) => Promise<void>

type NamedStart = readonly [name: ServiceName, start: Start]

/** Those that every installation has. */
export const services: readonly NamedStart[] = [
  ['ingestor', startIngestor],
  ['detector', startDetector],
  ['trainer', startTrainer],
  ['drift', startDrift],
  ['alerter', startAlerter],
  ['reporter', startReporter],
]
/** Of installations whose configuration names namespaces of a Kubernetes cluster; the others do without the client for one. */
export const podsService: NamedStart = [
  'pods',
  async (context, log) => (await import('@lapwing/ingestor/pods/start')).startPods(context, log),
]

export async function startInOneProcess({ config, source }: OpenConfig, output: ServiceOutput): Promise<RunningServices> {
  const endTracing = await startTracing(process.env, { serviceName: 'lapwing', version })
  const log = createInProcessLog()
  const running = new Map<string, RunningService>()
  let giveUp: (reason: string) => void = () => {}
  const gaveUp = new Promise<string>((resolve) => {
    giveUp = resolve
  })
  const stop = async () => {
    for (const service of [...running.values()].reverse()) await service.close()
    await log.close()
    await endTracing()
  }
  try {
    for (const [name, startService] of watchesPods(config) ? [...services, podsService] : services) {
      running.set(
        name,
        await runService({
          name,
          config,
          version,
          logger: createLogger({ name, level: config.log.level, output: { write: (line) => output.line(name, line.trimEnd()) } }),
          http: { host: config.http.host, port: config[name].port },
          onFail: (error) => giveUp(`${name}: ${error.message}`),
          start: (context) => startService(context, log),
          source: { ...source, sections: [...Object.keys(commonSections), name] },
        }),
      )
    }
  } catch (error) {
    await stop()
    throw error
  }
  return { urls: new Map([...running].map(([name, { url }]) => [name, url])), gaveUp, stop }
}
