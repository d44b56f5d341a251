/** `lapwing grafana apply`: all dashboards, whatever stands there. */
import { dashboards, folder } from '@lapwing/grafana/dashboards'
import type { GrafanaClient } from '@lapwing/grafana/grafana-client'
import { difference } from './check-dashboards.ts'
import type { TellDashboard } from './tell-dashboard.ts'

/** Rejects with a GrafanaError. One that is there as it should be is left, so that its history shows changes only. */
export async function applyDashboards(client: GrafanaClient, folderUid: string, tell: TellDashboard): Promise<void> {
  await client.ensureFolder(folderUid, folder.title)
  for (const [name, dashboard] of dashboards()) {
    const found = await client.getDashboard(dashboard.uid)
    if (found && difference(dashboard, found, folderUid) === undefined) {
      tell(name, 'unchanged', '')
      continue
    }
    const { url, version } = await client.createOrUpdateDashboard(dashboard, folderUid, 'lapwing grafana apply')
    tell(name, found ? 'replaced' : 'created', `${url} (version ${version})`)
  }
}
