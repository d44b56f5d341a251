/** What every service registers with Prometheus' client, asked of the services themselves, started on the log in memory. */
import { openConfig } from '@lapwing/service/config-source'
import { createLogger } from '@lapwing/service/logger'
import { runService } from '@lapwing/service/run-service'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { allSections } from '../src/start/all-config.ts'
import { services } from '../src/start/one-process.ts'

export interface RegisteredMetric {
  readonly type: string
  readonly labels: readonly string[]
  readonly help: string
}

/** By service, then by name. */
export async function registeredMetrics(): Promise<Map<string, Map<string, RegisteredMetric>>> {
  const { config, source } = openConfig(allSections, {
    environment: {},
    sets: services.map(([name]) => `${name}.port=0`),
  })
  const log = createInProcessLog()
  const found = new Map<string, Map<string, RegisteredMetric>>()
  for (const [name, start] of services) {
    const service = await runService({
      name,
      config,
      version: 'test',
      logger: createLogger({ name, level: 'fatal', output: { write: () => undefined } }),
      http: { host: '127.0.0.1', port: 0 },
      onFail: () => undefined,
      start: (context) => start(context, log),
      source,
    })
    const metrics = await service.registry.getMetricsAsJSON()
    found.set(name, new Map(metrics.map(({ name: metric, type, help }) => [metric, describe(metric, String(type), help)])))
    await service.close()

    function describe(metric: string, type: string, help: string): RegisteredMetric {
      const { labelNames } = service.registry.getSingleMetric(metric) as unknown as { labelNames: readonly string[] }
      return { type, labels: labelNames, help }
    }
  }
  await log.close()
  return found
}
