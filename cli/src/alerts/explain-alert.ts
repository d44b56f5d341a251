/** `lapwing alerts show` and `explain`: what is true of one alert, and every decision about it in the order of time. */
import { alertEnd, descriptionText } from '@lapwing/alerting/alert-text'
import { reasonText } from '@lapwing/alerting/reason-text'
import { verdictText } from '@lapwing/alerting/verdict'
import { decode } from '@lapwing/contracts/codec'
import { endText } from '@lapwing/contracts/episode-end'
import type { Alert, Notification } from '@lapwing/contracts/records'
import { topicName } from '@lapwing/contracts/topics'
import { jsonLine, visible } from '../terminal/text-table.ts'
import type { Deployment } from '../topics/open-log.ts'
import { unlessAbsent } from '../topics/unless-absent.ts'
import { UserError } from '../user-error.ts'
import { whereText } from './list-alerts.ts'
import { type KnownAlert, readAlerts } from './read-alerts.ts'

/** Rejects with a UserError when no alert, or more than one, has an id that begins like this. */
export async function showAlert(deployment: Deployment, id: string, json: boolean): Promise<void> {
  const matching = (await readAlerts(deployment, () => {})).filter(({ tracked }) => tracked.alert.id.startsWith(id))
  const ids = new Set(matching.map(({ tracked }) => tracked.alert.id))
  if (ids.size !== 1) throw unclear(id, ids)
  for (const known of matching) deployment.write(json ? jsonLine(plainAlert(known)) : alertText(known))
}

/** Works for alerts that the alerter has forgotten too, as long as the topics hold their records. Rejects as `showAlert` does. */
export async function explainAlert(deployment: Deployment, id: string, json: boolean): Promise<void> {
  const told = [...(await decisionSteps(deployment, id)), ...(await outcomeSteps(deployment, id))]
  const steps = [...told, ...(await verdictSteps(deployment, id))]
  const ids = new Set(steps.map(({ alert }) => alert))
  if (ids.size !== 1) throw unclear(id, ids)
  steps.sort((a, b) => a.atMs - b.atMs)
  for (const step of steps) {
    const clock = new Date(step.atMs).toISOString().slice(0, 19).replace('T', ' ')
    deployment.write(json ? jsonLine(step) : `${clock}  ${visible(step.text)}\n`)
  }
}

interface Step {
  readonly alert: string
  readonly atMs: number
  readonly route: string
  readonly reason: string
  readonly text: string
}

async function decisionSteps({ log, prefix }: Deployment, id: string): Promise<Step[]> {
  const records = (await unlessAbsent(log.readToEnd(topicName(prefix, 'alerts')))) ?? []
  return records.flatMap(({ value, timestampMs }) => {
    const alert = value && decode('Alert', value)
    return alert?.id.startsWith(id) ? [decisionStep(alert, timestampMs)] : []
  })
}

function decisionStep(alert: Alert, atMs: number): Step {
  const { id, route, reason, state, severity, metric, decision } = alert
  const verdict = decision === 'notify' ? 'passed on' : 'held back'
  const text = `${metric} on ${whereText(alert)}: ${state} at ${severity}. ${descriptionText(alert)} The series' stage: ${verdict}, because ${reasonText(reason)} (${reason}); route ${route}.`
  return { alert: id, atMs, route, reason, text }
}

async function outcomeSteps({ log, prefix }: Deployment, id: string): Promise<Step[]> {
  const records = (await unlessAbsent(log.readToEnd(topicName(prefix, 'notifications')))) ?? []
  return records.flatMap(({ value }) => {
    const notification = value && decode('Notification', value)
    return notification?.alertId.startsWith(id) ? [outcomeStep(notification)] : []
  })
}

function outcomeStep({ alertId, atMs, route, receiver, outcome, reason, state, severity, attempts, error }: Notification): Step {
  const tried = attempts > 1 ? ` after ${attempts} attempts` : ''
  const detail = error === '' ? '' : `: ${error}`
  const what = outcome === 'pending' ? 'waits' : outcome.replace('_', '-')
  const text = `${receiver}: ${state} at ${severity} ${what}${tried}, because ${reasonText(reason)} (${reason})${detail}`
  return { alert: alertId, atMs, route, reason, text }
}

async function verdictSteps({ log, prefix }: Deployment, id: string): Promise<Step[]> {
  const records = (await unlessAbsent(log.readToEnd(topicName(prefix, 'feedback')))) ?? []
  return records.flatMap(({ value, timestampMs }) => {
    const feedback = value && decode('Feedback', value)
    if (!feedback?.episodeId.startsWith(id)) return []
    const { episodeId, verdict, origin } = feedback
    const text = `A verdict from ${origin}: ${verdictText(feedback)}.`
    return [{ alert: episodeId, atMs: timestampMs, route: '', reason: verdict, text }]
  })
}

function plainAlert({ tracked, told }: KnownAlert) {
  return { ...tracked.alert, endReason: alertEnd(tracked.alert), told: Object.fromEntries(told) }
}

function alertText({ tracked, told }: KnownAlert): string {
  const { alert, records } = tracked
  const why = alertEnd(alert) === '' ? '' : `, because ${endText(alertEnd(alert))}`
  const until = alert.endedAtMs === null ? '' : ` until ${new Date(alert.endedAtMs).toISOString()}${why}`
  const lines = [
    `${alert.id} (${alert.route})`,
    `  ${alert.metric} on ${whereText(alert)}`,
    `  ${alert.state} at ${alert.severity} since ${new Date(alert.startedAtMs).toISOString()}${until}`,
    `  ${descriptionText(alert)}`,
    ...[...told].map(([receiver, { tellings, heldBy, settled, itemId }]) => {
      const states = tellings.map(({ state, severity, atMs }) => `${state} at ${severity} (${new Date(atMs).toISOString()})`)
      const held = heldBy === '' ? '' : `; held: ${reasonText(heldBy)}`
      const open = records.filter(({ id }) => !settled.includes(id)).length
      const incident = itemId === alert.id ? '' : ` in incident ${itemId}`
      return `  ${receiver}${incident} was told ${states.join(', ') || 'nothing'}${held}; ${open} records pending`
    }),
  ]
  return lines.map((line) => `${visible(line)}\n`).join('')
}

function unclear(id: string, found: ReadonlySet<string>): UserError {
  if (found.size === 0)
    return new UserError(`No alert has an id that begins with ${JSON.stringify(id)}; \`lapwing alerts list --all\` shows them.`)
  return new UserError(`Several alerts have ids that begin with ${JSON.stringify(id)}: ${[...found].slice(0, 5).join(', ')}`)
}
