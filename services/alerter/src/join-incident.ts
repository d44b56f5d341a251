/** Which incident an alert that is let through belongs to, and what is remembered of when topologies fell ill. */
import { failTogether, withStart } from '@lapwing/alerting/fail-together'
import { type IncidentPolicy, incidentKey, isSameIncident } from '@lapwing/alerting/incident'
import { addToIncident, type Incident, membersOf, openIncident, type RouteAlerts } from './route-alerts.ts'

/** Lets an alert through: into the open incident of its topology or of one that falls ill with it, or into a new one. */
export function joinIncident(route: RouteAlerts, id: string, policy: IncidentPolicy, nowMs: number): void {
  const { alert } = route.alerts.get(id)!
  const key = incidentKey(alert, policy.groupBy)
  const newest = route.incidents.get(route.newestOfKey.get(key) ?? '')
  const same = newest && isSameIncident(membersOf(route, newest), alert.startedAtMs, policy) ? newest : undefined
  const joined = same ?? relatedIncident(route, key, alert.startedAtMs, policy) ?? openIncident(route, { id, openedAtMs: nowMs })
  noteStart(route, key, alert.startedAtMs, policy)
  addToIncident(route, joined, id, key)
}

/** The topologies that fell ill last are remembered. */
const rememberedKeys = 2000

/** The oldest of the recent incidents that goes on and in which something fell ill that falls ill with this. */
function relatedIncident(route: RouteAlerts, key: string, atMs: number, policy: IncidentPolicy): Incident | undefined {
  const own = route.startsOfKey.get(key)
  if (!own) return undefined
  for (const id of route.recentIncidents) {
    const incident = route.incidents.get(id)
    if (!incident) continue
    const isRelated = [...incident.keys].some((other) =>
      failTogether(own, route.startsOfKey.get(other) ?? [], atMs, policy.together),
    )
    if (isRelated && membersOf(route, incident).some(({ alert }) => alert.state === 'firing')) return incident
  }
  return undefined
}

function noteStart(route: RouteAlerts, key: string, atMs: number, { together }: IncidentPolicy): void {
  if (together.withinMs === 0) return
  const before = route.startsOfKey.get(key) ?? []
  const after = withStart(before, atMs, together)
  route.startsOfKey.delete(key)
  route.startsOfKey.set(key, after)
  if (after !== before) route.changedStarts.add(key)
  if (route.startsOfKey.size <= rememberedKeys) return
  const oldest = route.startsOfKey.keys().next().value!
  route.startsOfKey.delete(oldest)
  route.changedStarts.add(oldest)
}
