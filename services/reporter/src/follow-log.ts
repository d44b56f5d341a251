/**
 * Reads the log into the projection and the history, from its beginning at each start.
 *
 * A record that cannot be decoded is counted, told to the caller and passed over; it is not written to the dead letters, because
 * this service reads the same records again after each restart, and the stage that owns the record has put it there already.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { decode } from '@lapwing/contracts/codec'
import type { Anomaly, Notification } from '@lapwing/contracts/records'
import type { TopicName } from '@lapwing/contracts/topics'
import type { Consumption, Log, LogRecord, RecordBatch } from '@lapwing/stream/log'
import { isDamaged } from './damaged-record.ts'
import type { HistoryChange, HistoryStore } from './history-store.ts'
import { foldControl, foldScores, type Projection } from './projection.ts'

export const followedTopics = ['scores', 'anomalies', 'notifications', 'control'] as const satisfies readonly TopicName[]
export type FollowedTopic = (typeof followedTopics)[number]

export interface FollowTargets {
  readonly log: Log
  /** The topics to follow: name on the log to what is in it. */
  readonly topics: ReadonlyMap<string, FollowedTopic>
  readonly projection: Projection
  readonly history: HistoryStore
  onRecords(topic: FollowedTopic, count: number): void
  onHistory(change: HistoryChange): void
  onDamaged(topic: FollowedTopic, error: Error): void
  onFatal(error: Error): void
}

export interface Following extends Consumption {
  /** Records that were on the log at the last fetch and are still to be read. */
  behindRecords(): number
}

export async function followLog(targets: FollowTargets): Promise<Following> {
  const behind = new Map<string, number>()
  const consumption = await targets.log.follow({
    topics: [...targets.topics.keys()],
    from: 'earliest',
    onBatch: async (batch) => {
      const topic = targets.topics.get(batch.topic)
      if (!topic) throw new Error(`not followed: ${batch.topic}`)
      await applyBatch(topic, batch, targets)
      targets.onRecords(topic, batch.records.length)
      behind.set(`${batch.topic}/${batch.partition}`, recordsBehind(batch))
    },
    onFatal: targets.onFatal,
  })
  return { ...consumption, behindRecords: () => [...behind.values()].reduce((sum, records) => sum + records, 0) }
}

/** Longest time for which records are folded without letting HTTP have its turn. */
const sliceMs = 30
/** One transaction: large enough to be quick, small enough not to hold the event loop. */
const recordsPerWrite = 500

async function applyBatch(topic: FollowedTopic, batch: RecordBatch, targets: FollowTargets): Promise<void> {
  const pending: Pending = { anomalies: [], notifications: [] }
  let sliceStartMs = performance.now()
  for (const record of batch.records) {
    try {
      applyRecord(topic, record, targets.projection, pending)
    } catch (error) {
      if (!isDamaged(error)) throw error
      targets.onDamaged(topic, error)
    }
    if (pending.anomalies.length + pending.notifications.length >= recordsPerWrite) await writePending(pending, targets)
    if (performance.now() - sliceStartMs > sliceMs) {
      await nextTurn()
      sliceStartMs = performance.now()
    }
  }
  await writePending(pending, targets)
}

interface Pending {
  anomalies: Anomaly[]
  notifications: Notification[]
}

async function writePending(pending: Pending, { history, onHistory }: FollowTargets): Promise<void> {
  if (pending.anomalies.length + pending.notifications.length === 0) return
  onHistory(await history.record(pending))
  pending.anomalies = []
  pending.notifications = []
}

function applyRecord(topic: FollowedTopic, { value }: LogRecord, projection: Projection, pending: Pending): void {
  if (!value) return
  if (topic === 'scores') foldScores(projection, decode('ScoreBatch', value))
  else if (topic === 'control') foldControl(projection, decode('Control', value))
  else if (topic === 'anomalies') pending.anomalies.push(decode('Anomaly', value))
  else pending.notifications.push(decode('Notification', value))
}

function recordsBehind(batch: RecordBatch): number {
  const lastOffset = batch.records.at(-1)?.offset ?? batch.endOffset - 1n
  return Number(batch.endOffset - lastOffset - 1n)
}
