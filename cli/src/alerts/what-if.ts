/** `lapwing alerts what-if`: two configurations decide about the same recorded anomalies; what differs is told. */
import { alerterSchema } from '@lapwing/alerter/config'
import { type Simulated, type SimulatedMessage, simulate } from '@lapwing/alerter/simulate'
import { decode } from '@lapwing/contracts/codec'
import type { Anomaly } from '@lapwing/contracts/records'
import { topicName } from '@lapwing/contracts/topics'
import { commonSections, loadConfig } from '@lapwing/service/config'
import { type Column, jsonLine, textTable } from '../terminal/text-table.ts'
import type { Deployment } from '../topics/open-log.ts'
import { unlessAbsent } from '../topics/unless-absent.ts'
import { simulatedSetup } from './simulated-setup.ts'

export interface WhatIfOptions {
  /** The configuration to try. */
  readonly config: string
  /** The one to compare with; undefined is the default file. */
  readonly current: string | undefined
  readonly sinceMs: number
  readonly json: boolean
}

export async function whatIf(deployment: Deployment, options: WhatIfOptions, nowMs: number): Promise<void> {
  const fromMs = nowMs - options.sinceMs
  const anomalies = await readAnomalies(deployment, fromMs)
  const [now, then] = [options.current, options.config].map((file) => simulateWith(anomalies, file, fromMs))
  const changes = differences(now!, then!)
  if (options.json) return deployment.write(changes.map(jsonLine).join(''))
  deployment.write(summaryText(anomalies.length, now!, then!, changes))
}

/** A message that only one of the two sends. */
export interface Change extends SimulatedMessage {
  readonly change: 'added' | 'removed'
}

/** Messages are the same when they say the same of the same incident at the same time. */
export function differences(now: Pick<Simulated, 'messages'>, then: Pick<Simulated, 'messages'>): Change[] {
  const keyOf = ({ atMs, route, incident, state, severity }: SimulatedMessage) =>
    JSON.stringify([atMs, route, incident, state, severity])
  const [before, after] = [now, then].map(({ messages }) => new Set(messages.map(keyOf)))
  const removed = now.messages
    .filter((message) => !after!.has(keyOf(message)))
    .map((message) => ({ change: 'removed' as const, ...message }))
  const added = then.messages
    .filter((message) => !before!.has(keyOf(message)))
    .map((message) => ({ change: 'added' as const, ...message }))
  return [...removed, ...added].sort((a, b) => a.atMs - b.atMs)
}

/** In the order of their time, each once: the topic may hold one twice. */
async function readAnomalies({ log, prefix }: Deployment, fromMs: number): Promise<Anomaly[]> {
  const records = (await unlessAbsent(log.readToEnd(topicName(prefix, 'anomalies')))) ?? []
  const anomalies = new Map<string, Anomaly>()
  for (const { value } of records) {
    const anomaly = value && decode('Anomaly', value)
    if (anomaly && anomaly.state !== 'unknown' && anomaly.observedAtMs >= fromMs) anomalies.set(anomaly.id, anomaly)
  }
  return [...anomalies.values()].sort((a, b) => a.observedAtMs - b.observedAtMs)
}

const dayMs = 86_400_000

function simulateWith(anomalies: readonly Anomaly[], file: string | undefined, fromMs: number): Simulated {
  const sections = { ...commonSections, alerter: alerterSchema }
  const { alerter } = loadConfig(sections, { file, profile: undefined, environment: process.env, sets: [] })
  return simulate(anomalies, simulatedSetup(alerter, fromMs, dayMs))
}

const columns: readonly Column[] = [
  { heading: '', align: 'left' },
  { heading: 'TIME', align: 'left' },
  { heading: 'STATE', align: 'left' },
  { heading: 'SEVERITY', align: 'left' },
  { heading: 'METRIC', align: 'left', maxCharacters: 40 },
  { heading: 'SERIES', align: 'right' },
  { heading: 'ROUTE', align: 'left', maxCharacters: 20 },
  { heading: 'INCIDENT', align: 'left', maxCharacters: 40 },
]

function summaryText(records: number, now: Simulated, then: Simulated, changes: readonly Change[]): string {
  const head = `${records} anomaly records: ${now.messages.length} notifications now, ${then.messages.length} then.\n`
  if (changes.length === 0) return `${head}No notification differs.\n`
  const rows = changes.map(({ change, atMs, state, severity, metric, episodes, route, incident }) => [
    change === 'added' ? '+' : '-',
    new Date(atMs).toISOString().slice(0, 16).replace('T', ' '),
    ...[state, severity, metric, String(episodes.length), route, incident],
  ])
  return `${head}\n${textTable(columns, rows)}`
}
