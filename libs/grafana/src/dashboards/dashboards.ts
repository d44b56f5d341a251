/** All dashboards, by the name of the file that each is committed as. */
import type { Dashboard } from '../grafana-client.ts'
import { alerts } from './alerts.ts'
import { modelsAndDrift } from './models-and-drift.ts'
import { overview } from './overview.ts'
import { pipelineHealth } from './pipeline-health.ts'
import { seriesDetail } from './series-detail.ts'

export const folder = { uid: 'lapwing', title: 'Lapwing' } as const

export function dashboards(): ReadonlyMap<string, Dashboard> {
  const built = {
    overview,
    'series-detail': seriesDetail,
    'pipeline-health': pipelineHealth,
    'models-and-drift': modelsAndDrift,
    alerts,
  }
  return new Map(Object.entries(built).map(([name, build]) => [name, plain(build())]))
}

/** What Grafana is sent: without the fields that are undefined. */
function plain(dashboard: object): Dashboard {
  return JSON.parse(JSON.stringify(dashboard)) as Dashboard
}
