/**
 * Puts outcomes and progress on the log, in that order: in the other one, a crash in between would leave a record without an
 * outcome for ever. What is written twice is recognised by its id.
 */
import { encode } from '@lapwing/contracts/codec'
import { LogError } from '@lapwing/stream/errors'
import type { OutgoingRecord, Producer } from '@lapwing/stream/log'
import type { Logger } from 'pino'
import { encodeProgress, stateKeys } from './alert-state.ts'
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
  readonly producer: Producer
  readonly partition: number
  readonly topics: AlerterTopics
  readonly metrics: AlerterMetrics
  readonly logger: Logger
  /** Ends the waiting for a log that does not answer. */
  readonly signal: AbortSignal
}

/** Resolves when everything is on the log, or the waiting was ended. Rejects with a LogError that no waiting can cure. */
export async function writeOutcomes(
  receiver: string,
  notes: readonly Note[],
  alertIds: readonly string[],
  options: OutcomeWriterOptions,
): Promise<void> {
  for (const note of notes) countNote(note, options)
  await sendUntilTaken(
    notes.flatMap((note) => noteRecords(note, options)),
    options,
  )
  await sendUntilTaken(
    alertIds.map((id) => progressRecord(receiver, id, options)),
    options,
  )
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

async function sendUntilTaken(
  records: readonly OutgoingRecord[],
  { producer, logger, signal }: OutcomeWriterOptions,
): Promise<void> {
  for (let failures = 0; records.length > 0 && !signal.aborted; failures++) {
    try {
      return await producer.send(records)
    } catch (error) {
      if (!(error instanceof LogError) || !error.retryable) throw error
      const retryInMs = Math.min(firstRetryMs * 2 ** failures, longestRetryMs)
      logger.warn({ code: error.code, retryInMs }, `outcomes wait for the log: ${error.message}`)
      await new Promise((resolve) => setTimeout(resolve, retryInMs))
    }
  }
}

const firstRetryMs = 250
const longestRetryMs = 2000
