/**
 * Puts outcomes and the progress behind them on the log in one transaction: were only one of them to survive a crash, a record
 * would be left without an outcome, or get a second one.
 */
import { encode } from '@lapwing/contracts/codec'
import type { OutgoingRecord } from '@lapwing/stream/log'
import type { Logger } from 'pino'
import { encodeProgress, encodeSent, stateKeys } from './alert-state.ts'
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
  /** Name of the route. */
  readonly name: string
  readonly route: RouteAlerts
  /** One of the two ways of a committer. */
  commit(records: readonly OutgoingRecord[]): Promise<void>
  readonly partition: number
  readonly topics: AlerterTopics
  readonly metrics: AlerterMetrics
  readonly logger: Logger
}

/**
 * Resolves when everything is on the log, or the committer was stopped. Rejects with a LogError that no waiting can cure.
 *
 * @param itemIds items whose progress is written with the notes
 */
export async function writeOutcomes(
  receiver: string,
  notes: readonly Note[],
  itemIds: readonly string[],
  options: OutcomeWriterOptions,
): Promise<void> {
  const own = notes.map((note) => ofMember(note, options.route))
  for (const note of own) countNote(note, options)
  const progress = itemIds.map((id) => progressRecord(receiver, id, options))
  await options.commit([...own.flatMap((note) => noteRecords(note, options)), ...progress, ...sentRecord(receiver, options)])
}

/** What became of a record is told of its own alert, whatever incident that was told in. */
function ofMember({ outcome, told }: Note, route: RouteAlerts): Note {
  return { outcome: { ...outcome, alert: route.alerts.get(outcome.record.alertId)?.alert ?? outcome.alert }, told }
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

function progressRecord(
  receiver: string,
  itemId: string,
  { route, name, partition, topics }: OutcomeWriterOptions,
): OutgoingRecord {
  const incident = route.receivers.get(receiver)?.unit === 'incident' ? route.incidents.get(itemId) : undefined
  const progress = progressOf(route, receiver, itemId)
  const value = encodeProgress(incident ? { ...progress, members: [...incident.memberIds] } : progress)
  return { topic: topics.state, partition, key: Buffer.from(stateKeys(name).progress(receiver, itemId)), value }
}

function sentRecord(receiver: string, { route, name, partition, topics }: OutcomeWriterOptions): OutgoingRecord[] {
  const book = route.receivers.get(receiver)
  if (!book || (book.sentAtMs.length === 0 && !book.digest)) return []
  return [{ topic: topics.state, partition, key: Buffer.from(stateKeys(name).sent(receiver)), value: encodeSent(book) }]
}
