/** `lapwing grafana check`: is there what should be? */
import { isDeepStrictEqual } from 'node:util'
import { dashboards } from '@lapwing/grafana/dashboards'
import type { Dashboard, GrafanaClient } from '@lapwing/grafana/grafana-client'
import type { TellDashboard } from './tell-dashboard.ts'

/** True when every dashboard is there as it should be. Rejects with a GrafanaError. */
export async function checkDashboards(client: GrafanaClient, folderUid: string, tell: TellDashboard): Promise<boolean> {
  const { version, database } = await client.health()
  tell('Grafana', database === 'ok' ? 'ok' : 'unwell', `version ${version}, database ${database}`)
  let isAsItShould = database === 'ok'
  for (const [name, dashboard] of dashboards()) {
    const found = await client.getDashboard(dashboard.uid)
    const different = found ? difference(dashboard, found, folderUid) : 'run: lapwing grafana apply'
    tell(name, found ? (different ? 'changed' : 'ok') : 'absent', different ?? '')
    isAsItShould &&= different === undefined
  }
  return isAsItShould
}

/** What is different, in words; undefined: nothing. Grafana adds an id and counts versions. */
export function difference(
  wanted: Dashboard,
  { dashboard, folderUid: foundIn }: { readonly dashboard: Dashboard; readonly folderUid: string },
  folderUid: string,
): string | undefined {
  if (foundIn !== folderUid) return `is in folder ${foundIn || '(none)'}`
  const { id: _id, version: _version, ...found } = dashboard
  const keys = new Set([...Object.keys(wanted), ...Object.keys(found)])
  const different = [...keys].filter((key) => !isDeepStrictEqual(wanted[key], (found as Record<string, unknown>)[key]))
  return different.length === 0 ? undefined : `different: ${different.join(', ')}`
}
