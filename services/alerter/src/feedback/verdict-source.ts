/**
 * The verdicts of people in force, by the episode that they are about: read from the feedback topic to its end before anything is told,
 * and followed from then on.
 *
 * A verdict has no memory of its own in the alerter. It is on a compacted topic for good, so whoever takes a route over finds it there.
 */
import { quiets, type SaidVerdict, silenceOrigin } from '@lapwing/alerting/verdict'
import { DecodeError, decode } from '@lapwing/contracts/codec'
import type { Feedback } from '@lapwing/contracts/records'
import type { Log, LogRecord } from '@lapwing/stream/log'
import type { Logger } from 'pino'
import type { StandingVerdict } from './silence-verdicts.ts'

export interface VerdictSource {
  /** The newest on an episode, one that was taken back included. */
  of(episodeId: string): SaidVerdict | undefined
  /** Whether this very record was seen lately. */
  hasSeen(id: string): boolean
  /** Those in force that stand for silences of Alertmanager. */
  ofSilences(): readonly StandingVerdict[]
  stop(): Promise<void>
}

export interface VerdictSourceOptions {
  readonly log: Pick<Log, 'follow' | 'readToEnd'>
  readonly topic: string
  readonly logger: Logger
  /** What is said of an episode is another than before, or its time is over. */
  onChange(episodeId: string): void
  onFatal(error: Error): void
  nowMs(): number
}

/** Of more than these the oldest are forgotten. */
const mostVerdicts = 100_000
const mostIds = 10_000

/** Resolves when everything that was on the topic is known. Rejects with a LogError. */
export async function openVerdictSource(options: VerdictSourceOptions): Promise<VerdictSource> {
  const { log, topic, logger, nowMs, onChange } = options
  const newest = new Map<string, Known>()
  const ids = new Set<string>()
  const silenced = new Set<string>()
  const ends = createAlarms(nowMs, onChange)
  const take = (record: LogRecord) => {
    const feedback = readVerdict(record, logger)
    if (!feedback) return
    remember(ids, feedback.id, mostIds)
    const { episodeId } = feedback
    const before = newest.get(episodeId)
    if (before && record.offset <= before.offset) return
    newest.delete(episodeId)
    newest.set(episodeId, { offset: record.offset, partition: record.partition, said: feedback })
    setSilenced(silenced, episodeId, feedback)
    if (newest.size > mostVerdicts) newest.delete(newest.keys().next().value!)
    ends.set(episodeId, quiets(feedback, nowMs()) ? feedback.untilMs : null)
    onChange(episodeId)
  }
  for (const record of await log.readToEnd(topic)) take(record)
  const following = await log.follow({
    topics: [topic],
    from: 'earliest',
    onBatch: async ({ records }) => records.forEach(take),
    onFatal: options.onFatal,
  })
  return {
    of: (episodeId) => newest.get(episodeId)?.said,
    hasSeen: (id) => ids.has(id),
    ofSilences: () => [...silenced].flatMap((episodeId) => standing(episodeId, newest.get(episodeId), nowMs())),
    stop: async () => {
      ends.clear()
      await following.stop()
    },
  }
}

/** All verdicts on an episode are on one partition, so their offsets are their order. */
interface Known {
  readonly offset: bigint
  readonly partition: number
  readonly said: Feedback
}

function setSilenced(silenced: Set<string>, episodeId: string, { verdict, origin }: Feedback): void {
  if (verdict === 'known' && origin === silenceOrigin) silenced.add(episodeId)
  else silenced.delete(episodeId)
}

function standing(episodeId: string, known: Known | undefined, nowMs: number): StandingVerdict[] {
  if (!known || (known.said.untilMs ?? Number.POSITIVE_INFINITY) <= nowMs) return []
  return [{ episodeId, partition: known.partition, said: known.said }]
}

/** A tombstone names no episode: it comes from outside, and takes effect in the detector only. */
function readVerdict({ value, partition, offset }: LogRecord, logger: Logger): Feedback | undefined {
  try {
    return value ? decode('Feedback', value) : undefined
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    logger.error({ partition, offset: String(offset) }, `verdict left out: ${error.message}`)
    return undefined
  }
}

function remember(ids: Set<string>, id: string, most: number): void {
  ids.add(id)
  if (ids.size > most) ids.delete(ids.keys().next().value!)
}

/** Node's timers hold 24 days. */
const longestTimerMs = 2 ** 31 - 1

/** Rings once for each name when its time has come. */
function createAlarms(nowMs: () => number, ring: (name: string) => void) {
  const timers = new Map<string, NodeJS.Timeout>()
  const set = (name: string, atMs: number | null) => {
    clearTimeout(timers.get(name))
    timers.delete(name)
    if (atMs === null) return
    const due = () => {
      if (atMs > nowMs()) return set(name, atMs)
      timers.delete(name)
      ring(name)
    }
    timers.set(name, setTimeout(due, Math.min(Math.max(0, atMs - nowMs()), longestTimerMs)))
  }
  return {
    set,
    clear: () => {
      for (const timer of timers.values()) clearTimeout(timer)
      timers.clear()
    },
  }
}
