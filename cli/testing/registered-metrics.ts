/** What every service registers with Prometheus' client, asked of the services themselves, started on the log in memory. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openConfig } from '@lapwing/service/config-source'
import { createLogger } from '@lapwing/service/logger'
import { runService } from '@lapwing/service/run-service'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { allSections } from '../src/start/all-config.ts'
import { podsService, services } from '../src/start/one-process.ts'

export interface RegisteredMetric {
  readonly type: string
  readonly labels: readonly string[]
  readonly help: string
}

/** By service, then by name. */
export async function registeredMetrics(): Promise<Map<string, Map<string, RegisteredMetric>>> {
  const { config, source } = openConfig(allSections, {
    environment: {},
    sets: [...services, podsService].map(([name]) => `${name}.port=0`),
  })
  const endCluster = noCluster()
  const log = createInProcessLog()
  const found = new Map<string, Map<string, RegisteredMetric>>()
  for (const [name, start] of [...services, podsService]) {
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
  endCluster()
  return found
}

/** The pods role asks for a cluster when it starts, not for one that answers. Returns how to undo it. */
function noCluster(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-no-cluster-'))
  const file = join(folder, 'kubeconfig')
  const context = { clusters: [{ name: 'none', cluster: { server: 'http://127.0.0.1:9' } }], 'current-context': 'none' }
  writeFileSync(
    file,
    JSON.stringify({
      ...context,
      users: [{ name: 'nobody' }],
      contexts: [{ name: 'none', context: { cluster: 'none', user: 'nobody' } }],
    }),
  )
  const before = process.env.KUBECONFIG
  process.env.KUBECONFIG = file
  return () => {
    if (before === undefined) delete process.env.KUBECONFIG
    else process.env.KUBECONFIG = before
    rmSync(folder, { recursive: true })
  }
}
