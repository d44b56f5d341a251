/**
 * Puts outcomes and the progress behind them on the log in one transaction: were only one of them to survive a crash, a record
 * would be left without an outcome, or get a second one.
 */
import { encode } from '@lapwing/contracts/codec'
import type { OutgoingRecord } from '@lapwing/stream/log'
import type { Logger } from 'pino'
import { encodeProgress, stateKeys } from './alert-state.ts'
import type { Committer } from './committer.ts'
import type { AlerterMetrics } from './metrics.ts'
import { type Note, notificationOf, refusalOf } from './notifications.ts'
import { progressOf, type RouteAlerts } from './route-alerts.ts'

export interface AlerterTopics {
  readonly alerts: string
  readonly state: string
  readonly notifications: string
  readonly deadLetters: string
}

export interface OutcomeWriterOptions {
  readonly route: RouteAlerts
  readonly committer: Committer
  readonly partition: number
  readonly topics: AlerterTopics
  readonly metrics: AlerterMetrics
  readonly logger: Logger
}

/** Resolves when everything is on the log, or the committer was stopped. Rejects with a LogError that no waiting can cure. */
export async function writeOutcomes(
  receiver: string,
  notes: readonly Note[],
  alertIds: readonly string[],
  options: OutcomeWriterOptions,
): Promise<void> {
  for (const note of notes) countNote(note, options)
  const progress = alertIds.map((id) => progressRecord(receiver, id, options))
  await options.committer.commit([...notes.flatMap((note) => noteRecords(note, options)), ...progress])
}

function countNote({ outcome, told }: Note, { metrics, logger }: OutcomeWriterOptions): void {
  if (outcome.outcome === 'pending') return
  metrics.settled(told.receiver, outcome.outcome, outcome.reason)
  if (outcome.outcome === 'delivered') metrics.latency(told.receiver, told.atMs - outcome.record.place.writtenAtMs)
  if (outcome.outcome === 'dead_lettered') logger.error({ receiver: told.receiver, alert: outcome.alert.id }, told.error?.message)
}

function noteRecords(note: Note, { partition, topics }: OutcomeWriterOptions): OutgoingRecord[] {
  const { outcome, told } = note
  const key = Buffer.from(outcome.alert.id)
  const notification = { topic: topics.notifications, partition, key, value: encode('Notification', notificationOf(note)) }
  if (outcome.outcome !== 'dead_lettered' || !told.error) return [notification]
  const refusal = encode('DeadLetter', refusalOf(note, topics.alerts, partition, told.error))
  return [{ topic: topics.deadLetters, partition, key, value: refusal }, notification]
}

function progressRecord(receiver: string, alertId: string, { route, partition, topics }: OutcomeWriterOptions): OutgoingRecord {
  const value = encodeProgress(progressOf(route, receiver, alertId))
  return { topic: topics.state, partition, key: Buffer.from(stateKeys.progress(receiver, alertId)), value }
}
