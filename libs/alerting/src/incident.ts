/**
 * Incidents: alerts that fire at the same time and share their topology are one thing to a person.
 *
 * At any moment there is at most one open incident per topology key, the values of the labels in `groupBy`; an alert that is let
 * through joins it, or opens one, or reopens the last when that ended less than `reopenMs` before. Who joins therefore does not
 * depend on the order in which records come: in the end all alerts of a key that fire are in one incident.
 *
 * Its severity is the highest of the alerts that fire, and critical when at least `broadSeries` of them do: breadth is a symptom
 * that no single series shows. Duration is in it already, because a detector raises the severity of what lasts.
 *
 * Blind spot: one cause that shows under two keys is two incidents. Correlating by time alone was rejected: on a busy day it
 * joins what is unrelated, and a missed incident costs more than a second message.
 */
import type { Alert, Severity } from '@lapwing/contracts/records'
import { identityLabels } from './alertmanager-alert.ts'
import type { TogetherPolicy } from './fail-together.ts'
import { likelyCauses } from './likely-causes.ts'
import { compareSeverity, higherSeverity } from './severity.ts'
import type { TrackedAlert } from './tracked-alert.ts'

export interface IncidentPolicy {
  /** Labels whose values an incident shares; `...` alone keeps every series to itself, as in Alertmanager. */
  readonly groupBy: readonly string[]
  /** An incident that ended less than this ago goes on when its topology fires again. */
  readonly reopenMs: number
  /** So many series firing at once are critical whatever each of them is. */
  readonly broadSeries: number
  /** What fell ill together again and again is one incident although it shares no label. */
  readonly together: TogetherPolicy
}

/** What is in one incident and what in another. A series that has none of the labels is judged with its entity. */
export function incidentKey(alert: Alert, groupBy: readonly string[]): string {
  if (groupBy.length === 1 && groupBy[0] === '...') return `series ${alert.seriesKey}`
  const labels = identityLabels(alert, alert.severity)
  const values = groupBy.map((name) => (Object.hasOwn(labels, name) ? labels[name]! : ''))
  return groupBy.length > 0 && values.every((value) => value === '') ? `entity ${alert.entityKey}` : JSON.stringify(values)
}

/** True when an alert that starts at `startedAtMs` belongs to an incident whose alerts are these. */
export function isSameIncident(members: readonly TrackedAlert[], startedAtMs: number, { reopenMs }: IncidentPolicy): boolean {
  return members.some(({ alert }) => alert.endedAtMs === null || startedAtMs <= alert.endedAtMs + reopenMs)
}

/** The incident as one alert: the values of its likeliest cause, the state of all, every member's records. */
export function incidentAlert(id: string, members: readonly TrackedAlert[], { broadSeries }: IncidentPolicy): TrackedAlert {
  const alerts = members.map(({ alert }) => alert)
  const firing = alerts.filter(({ state }) => state === 'firing')
  const present = firing.length > 0 ? firing : alerts
  const [lead] = likelyCauses(present, 1)
  const alert: Alert = {
    ...lead!.alert,
    id,
    state: firing.length > 0 ? 'firing' : 'resolved',
    severity: severityOf(present, firing.length >= broadSeries),
    startedAtMs: extreme(alerts, Math.min, ({ startedAtMs }) => startedAtMs),
    endedAtMs: firing.length > 0 ? null : extreme(alerts, Math.max, ({ endedAtMs }) => endedAtMs ?? 0),
  }
  return { alert, records: members.flatMap(({ records }) => records) }
}

function severityOf(alerts: readonly Alert[], broad: boolean): Severity {
  const highest = alerts.reduce<Severity>((so, { severity }) => higherSeverity(so, severity), 'info')
  return broad && compareSeverity(highest, 'warning') >= 0 ? 'critical' : highest
}

function extreme(alerts: readonly Alert[], choose: (a: number, b: number) => number, fieldOf: (alert: Alert) => number): number {
  return alerts.map(fieldOf).reduce((a, b) => choose(a, b))
}
