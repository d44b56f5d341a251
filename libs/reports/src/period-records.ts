/** What the log holds of a time: everything that a report or an evaluation is made of, each record once. */
import { DecodeError, decode } from '@lapwing/contracts/codec'
import type { Anomaly, Control, Feedback, Model, Notification } from '@lapwing/contracts/records'
import { topicName } from '@lapwing/contracts/topics'
import { LogError } from '@lapwing/stream/errors'
import type { Log } from '@lapwing/stream/log'

export interface PeriodRecords {
  /** Of the episodes that began in it, their later records too. */
  readonly anomalies: readonly Anomaly[]
  /** What became of an alert in it, by when that was written. */
  readonly notifications: readonly Notification[]
  /** The newest verdict on each anomaly, whenever it was given. */
  readonly feedback: readonly Feedback[]
  /** Requests in it. */
  readonly control: readonly Control[]
  /** Models that came into their state in it. */
  readonly models: readonly Model[]
}

/** All that the log holds, whatever the time. */
export async function readRecords(log: Log, prefix: string): Promise<PeriodRecords> {
  const [anomalies, notifications, feedback, control, models] = await Promise.all([
    readAll(log, topicName(prefix, 'anomalies'), (value) => decode('Anomaly', value)),
    readAll(log, topicName(prefix, 'notifications'), (value) => decode('Notification', value)),
    readAll(log, topicName(prefix, 'feedback'), (value) => decode('Feedback', value)),
    readAll(log, topicName(prefix, 'control'), (value) => decode('Control', value)),
    readAll(log, topicName(prefix, 'models'), (value) => decode('Model', value)),
  ])
  return {
    anomalies: onceEach(anomalies).filter(({ state }) => state !== 'unknown'),
    notifications: onceEach(notifications),
    feedback: newestOnEach(feedback),
    control: onceEach(control),
    models: models.filter(({ kind }) => kind !== 'cohort-prior' && !kind.startsWith('registry-')),
  }
}

/** @param toMs does not belong to it; milliseconds since the epoch */
export function recordsWithin(all: PeriodRecords, fromMs: number, toMs: number): PeriodRecords {
  const isIn = (ms: number) => ms >= fromMs && ms < toMs
  return {
    anomalies: all.anomalies.filter(({ startedAtMs }) => isIn(startedAtMs)),
    notifications: all.notifications.filter(({ atMs }) => isIn(atMs)),
    feedback: all.feedback,
    control: all.control.filter(({ requestedAtMs }) => isIn(requestedAtMs)),
    models: all.models.filter(({ stateAtMs }) => isIn(stateAtMs)),
  }
}

/** What cannot be decoded is passed over: the stage that owns the record has put it among the dead letters. */
async function readAll<T>(log: Log, topic: string, read: (value: Uint8Array) => T): Promise<T[]> {
  const records = await log.readToEnd(topic).catch((error: unknown) => {
    if (error instanceof LogError && error.code === 'unknown_topic') return []
    throw error
  })
  return records.flatMap(({ value }) => {
    try {
      return value ? [read(value)] : []
    } catch (error) {
      if (error instanceof DecodeError) return []
      throw error
    }
  })
}

/** A record may be on the log twice. */
function onceEach<T extends { readonly id: string }>(records: readonly T[]): T[] {
  return [...new Map(records.map((record) => [record.id, record])).values()]
}

/** A tombstone is not there any more once the topic is compacted, and an undone verdict says so itself. */
function newestOnEach(feedback: readonly Feedback[]): Feedback[] {
  const newest = new Map<string, Feedback>()
  for (const one of feedback) {
    const known = newest.get(one.episodeId)
    if (!known || one.atMs >= known.atMs) newest.set(one.episodeId, one)
  }
  return [...newest.values()]
}
