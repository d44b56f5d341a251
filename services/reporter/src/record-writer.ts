/**
 * Writes what people decide on the page: verdicts to the feedback topic, where the detector, the alerter and this service read them, mutes to
 * theirs, for the alerter, and changes of models to the control topic, for the trainer that owns the partition.
 */
import { randomUUID } from 'node:crypto'
import { seriesMatchers } from '@lapwing/alerting/recorded-mute'
import { encode } from '@lapwing/contracts/codec'
import type { Anomaly, Control, Feedback, Mute } from '@lapwing/contracts/records'
import { partitionOf } from '@lapwing/contracts/series'
import { verdictRecord } from '@lapwing/contracts/verdict-record'
import { modelScope, personName } from '@lapwing/models/control-decision'
import type { Log, Producer } from '@lapwing/stream/log'
import type { Episode } from './episode.ts'

export interface SaidVerdict {
  readonly verdict: Feedback['verdict']
  readonly author: string
  readonly comment: string
  readonly forMs: number | undefined
}

export interface RecordWriter {
  /** Resolves when the log has it. Rejects with a LogError. */
  verdict(episode: Episode, said: SaidVerdict): Promise<Feedback>
  modelChange(change: ModelChange): Promise<Control>
  /** Asks for quiet about the series of the episode, from now on. */
  mute(episode: Episode, said: SaidMute): Promise<Mute>
  /** Takes a mute back. */
  lift(mute: Mute, author: string): Promise<Mute>
  close(): Promise<void>
}

export interface SaidMute {
  readonly author: string
  readonly comment: string
  readonly forMs: number
}

export interface ModelChange {
  readonly kind: 'promote' | 'rollback'
  readonly modelId: string
  readonly partition: number
  readonly reason: string
}

export interface WriterOptions {
  readonly log: Log
  /** Names on the log. */
  readonly topics: { readonly feedback: string; readonly control: string; readonly mutes: string }
  readonly partitions: number
  now(): number
}

export function createRecordWriter({ log, topics, partitions, now }: WriterOptions): RecordWriter {
  let opened: Promise<Producer> | undefined
  const producer = () => {
    opened ??= log.producer().catch((error: unknown) => {
      opened = undefined
      throw error
    })
    return opened
  }
  const writeMute = async (mute: Mute) => {
    // All on one partition: their order is one for everybody.
    const place = { topic: topics.mutes, partition: 0, key: Buffer.from(mute.id) }
    await (await producer()).send([{ ...place, value: encode('Mute', mute) }])
    return mute
  }
  return {
    verdict: async (episode, said) => {
      const record = recordOf(episode, said, now())
      const partition = partitionOf(Buffer.from(episode.entityKey, 'hex'), partitions)
      const key = Buffer.from(record.anomalyId)
      await (await producer()).send([{ topic: topics.feedback, partition, key, value: encode('Feedback', record) }])
      return record
    },
    modelChange: async (change) => {
      const record = controlOf(change, now())
      const place = { topic: topics.control, partition: change.partition, key: Buffer.from(record.scope) }
      await (await producer()).send([{ ...place, value: encode('Control', record) }])
      return record
    },
    mute: (episode, said) => writeMute(muteOf(episode, said, now())),
    lift: (mute, author) => writeMute({ ...mute, liftedBy: author, liftedAtMs: now() }),
    close: async () => {
      await (await opened?.catch(() => undefined))?.close()
    },
  }
}

/** Why the verdict cannot be taken, for the person who gives it; undefined when it can. */
export function refusalOf(
  { state }: Pick<Anomaly, 'state'>,
  { verdict, forMs }: Pick<SaidVerdict, 'verdict' | 'forMs'>,
): string | undefined {
  if (verdict === 'expected' && forMs === undefined) return 'expected holds for a time: forMs is needed'
  if (forMs !== undefined && verdict !== 'expected' && verdict !== 'known')
    return `${verdict} is for good: forMs goes with expected and known`
  if (verdict === 'new_normal' && state === 'resolved') return 'the episode has ended: there is no new level to take over'
  return undefined
}

function recordOf(episode: Episode, { verdict, author, comment, forMs }: SaidVerdict, atMs: number): Feedback {
  const { episodeId, seriesKey, startedAtMs, openedBy, newest } = episode
  const untilMs = forMs === undefined ? null : Math.round(atMs + forMs)
  const judged = { id: openedBy || newest.recordId, episodeId, seriesKey, startedAtMs }
  return verdictRecord(judged, newest.signature, { verdict, author, comment, origin: 'page', atMs, untilMs })
}

function muteOf({ metric, labels }: Episode, { author, comment, forMs }: SaidMute, atMs: number): Mute {
  const id = randomUUID().replaceAll('-', '')
  const when = { startsAtMs: atMs, endsAtMs: Math.round(atMs + forMs), atMs, liftedBy: '', liftedAtMs: null }
  return { id, matchers: seriesMatchers({ metric, labels }), author, comment, origin: 'page', ...when }
}

function controlOf({ kind, modelId, reason }: ModelChange, requestedAtMs: number): Control {
  const nothing = { statistic: 0, threshold: 0, seriesKey: '', labels: [] }
  const who = { detector: personName, requestedBy: personName }
  return {
    id: randomUUID().replaceAll('-', ''),
    kind,
    scope: `${modelScope}${modelId}`,
    reason,
    ...nothing,
    ...who,
    requestedAtMs,
  }
}
