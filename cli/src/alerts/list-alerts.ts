/** `lapwing alerts list` */
import { alertEnd, numberText } from '@lapwing/alerting/alert-text'
import { compareSeverity } from '@lapwing/alerting/severity'
import type { Alert } from '@lapwing/contracts/records'
import { type Column, jsonLine, textTable } from '../terminal/text-table.ts'
import type { Deployment } from '../topics/open-log.ts'
import { readAlerts } from './read-alerts.ts'

const columns: readonly Column[] = [
  { heading: 'ID', align: 'left', maxCharacters: 40 },
  { heading: 'STATE', align: 'left' },
  { heading: 'SEVERITY', align: 'left' },
  { heading: 'SINCE', align: 'left' },
  { heading: 'METRIC', align: 'left', maxCharacters: 40 },
  { heading: 'WHERE', align: 'left', maxCharacters: 60 },
  { heading: 'ACTUAL', align: 'right' },
  { heading: 'EXPECTED', align: 'right' },
  { heading: 'ROUTE', align: 'left', maxCharacters: 20 },
]

export async function listAlerts(deployment: Deployment, { all, json }: { all: boolean; json: boolean }): Promise<void> {
  const known = await readAlerts(deployment, (key) => void process.stderr.write(`left out, damaged: ${key}\n`))
  const alerts = known
    .map(({ tracked }) => tracked.alert)
    .filter(({ state }) => all || state === 'firing')
    .sort((a, b) => compareSeverity(b.severity, a.severity) || a.startedAtMs - b.startedAtMs || (a.id < b.id ? -1 : 1))
  if (json) deployment.write(alerts.map((alert) => jsonLine({ ...alert, endReason: alertEnd(alert) })).join(''))
  else deployment.write(alerts.length === 0 ? 'Nothing fires.\n' : textTable(columns, alerts.map(rowOf)))
}

function rowOf(alert: Alert): string[] {
  const { id, state, severity, startedAtMs, metric, value, lower, upper, route } = alert
  const since = new Date(startedAtMs).toISOString().slice(0, 16).replace('T', ' ')
  return [
    id,
    state,
    severity,
    since,
    metric,
    whereText(alert),
    numberText(value),
    `${numberText(lower)}..${numberText(upper)}`,
    route,
  ]
}

/** `instance=node-1:9100 job=node`, without the name of the metric. */
export function whereText({ labels }: Alert): string {
  return labels
    .filter(({ name }) => name !== '__name__')
    .map(({ name, value }) => `${name}=${value}`)
    .join(' ')
}
