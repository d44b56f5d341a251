/**
 * Reads the log into the projection and the history, from its beginning at each start.
 *
 * A record that cannot be decoded is counted, told to the caller and passed over; it is not written to the dead letters, because
 * this service reads the same records again after each restart, and the stage that owns the record has put it there already.
 */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { PodMemory } from '@lapwing/alerting/pod-context'
import { decode } from '@lapwing/contracts/codec'
import type { TopicName } from '@lapwing/contracts/topics'
import type { Consumption, Log, LogRecord, RecordBatch } from '@lapwing/stream/log'
import { isDamaged } from './damaged-record.ts'
import {
  type HistoryChange,
  type HistoryRecords,
  type HistoryStore,
  HistoryUnavailable,
  type Judgement,
} from './history-store.ts'
import type { ModelVersions } from './model-versions.ts'
import type { MuteBook } from './mute-book.ts'
import { foldControl, foldScores, type Projection } from './projection.ts'
import type { SettingsBook } from './settings-book.ts'

export const followedTopics = [
  'scores',
  'anomalies',
  'notifications',
  'control',
  'feedback',
  'models',
  'mutes',
  'settings',
  'pod-events',
] as const satisfies readonly TopicName[]
export type FollowedTopic = (typeof followedTopics)[number]

export interface FollowTargets {
  readonly log: Log
  /** The topics to follow: name on the log to what is in it. */
  readonly topics: ReadonlyMap<string, FollowedTopic>
  readonly projection: Projection
  readonly history: HistoryStore
  readonly models: ModelVersions
  readonly mutes: MuteBook
  readonly settings: SettingsBook
  readonly pods: Pick<PodMemory, 'add'>
  onRecords(topic: FollowedTopic, count: number): void
  onHistory(change: HistoryChange): void
  /** The history did not take records, which are tried again until it does; undefined once it has. */
  onHistoryWaiting(error: HistoryUnavailable | undefined): void
  onDamaged(topic: FollowedTopic, error: Error): void
  onFatal(error: Error): void
  /** Ends the waiting for the history. */
  readonly signal: AbortSignal
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
  const pending = emptyPending()
  let sliceStartMs = performance.now()
  for (const record of batch.records) {
    try {
      applyRecord(topic, record, targets, pending)
    } catch (error) {
      if (!isDamaged(error)) throw error
      targets.onDamaged(topic, error)
    }
    if (pendingCount(pending) >= recordsPerWrite) await writePending(pending, targets)
    if (performance.now() - sliceStartMs > sliceMs) {
      await nextTurn()
      sliceStartMs = performance.now()
    }
  }
  await writePending(pending, targets)
}

type Pending = { -readonly [Kind in keyof HistoryRecords]: HistoryRecords[Kind][number][] }

function emptyPending(): Pending {
  return { anomalies: [], notifications: [], judgements: [] }
}

function pendingCount({ anomalies, notifications, judgements }: Pending): number {
  return anomalies.length + notifications.length + judgements.length
}

async function writePending(pending: Pending, targets: FollowTargets): Promise<void> {
  if (pendingCount(pending) === 0) return
  targets.onHistory(await recordPatiently(pending, targets))
  Object.assign(pending, emptyPending())
}

/** The log waits for the history: what a database that is down misses is still to be read when it is back. */
async function recordPatiently(
  records: HistoryRecords,
  { history, onHistoryWaiting, signal }: FollowTargets,
): Promise<HistoryChange> {
  for (;;) {
    try {
      const change = await history.record(records)
      onHistoryWaiting(undefined)
      return change
    } catch (error) {
      if (!(error instanceof HistoryUnavailable)) throw error
      onHistoryWaiting(error)
    }
    await delay(historyRetryMs, undefined, { signal })
  }
}

const historyRetryMs = 1000

function applyRecord(
  topic: FollowedTopic,
  record: LogRecord,
  { projection, models, mutes, settings, pods }: FollowTargets,
  pending: Pending,
): void {
  const { value } = record
  if (topic === 'feedback') pending.judgements.push(judgementOf(record))
  else if (topic === 'models') models.take(record)
  else if (topic === 'mutes') mutes.take(record)
  else if (topic === 'settings') settings.take(record)
  else if (!value) return
  else if (topic === 'scores') foldScores(projection, decode('ScoreBatch', value))
  else if (topic === 'pod-events') pods.add(decode('PodEvent', value))
  else if (topic === 'control') foldControl(projection, decode('Control', value))
  else if (topic === 'anomalies') pending.anomalies.push(decode('Anomaly', value))
  else pending.notifications.push(decode('Notification', value))
}

/** A tombstone under the id of an anomaly takes back what was said of it. */
function judgementOf({ key, value, timestampMs }: LogRecord): Judgement {
  if (value) return decode('Feedback', value)
  const anomalyId = Buffer.from(key ?? []).toString()
  return { anomalyId, episodeId: '', verdict: 'undone', author: '', comment: '', origin: '', atMs: timestampMs, untilMs: null }
}

function recordsBehind(batch: RecordBatch): number {
  const lastOffset = batch.records.at(-1)?.offset ?? batch.endOffset - 1n
  return Number(batch.endOffset - lastOffset - 1n)
}
