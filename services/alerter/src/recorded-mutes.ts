/**
 * The mutes that people gave with a button: read from their topic to its end before anything is told, and followed from then on.
 *
 * All of them are on one partition, so their order is one for all. A record that is no mute is left out, with a line in the log.
 */
import type { Mute } from '@lapwing/alerting/mute'
import { ReadableError } from '@lapwing/alerting/readable-error'
import { recordedMute } from '@lapwing/alerting/recorded-mute'
import { DecodeError, decode } from '@lapwing/contracts/codec'
import type { Consumption, Log, LogRecord } from '@lapwing/stream/log'
import type { Logger } from 'pino'

export interface RecordedMutesOptions {
  readonly log: Pick<Log, 'follow' | 'readToEnd'>
  readonly topic: string
  readonly logger: Logger
  /** These are all that have not ended or been taken back. */
  onChange(mutes: readonly Mute[]): void
  onFatal(error: Error): void
  nowMs(): number
}

/** Each is looked at for every alert that wants to be told: of more than these the oldest are forgotten. */
const mostMutes = 1000

interface Known {
  readonly offset: bigint
  readonly endsAtMs: number
  /** Undefined when it was taken back, or is none. */
  readonly mute: Mute | undefined
}

/** Resolves when everything that was on the topic is known. Rejects with a LogError. */
export async function followRecordedMutes(options: RecordedMutesOptions): Promise<Consumption> {
  const { log, topic, onChange, onFatal, nowMs } = options
  const newest = new Map<string, Known>()
  const take = (records: readonly LogRecord[]) => {
    const news = records.filter(({ key, offset }) => offset > (newest.get(idOf(key))?.offset ?? -1n))
    if (news.length === 0) return
    for (const record of news) {
      newest.delete(idOf(record.key))
      newest.set(idOf(record.key), knownOf(record, options))
    }
    for (const [id, { endsAtMs }] of newest) if (endsAtMs <= nowMs()) newest.delete(id)
    while (newest.size > mostMutes) newest.delete(newest.keys().next().value!)
    onChange([...newest.values()].flatMap(({ mute }) => mute ?? []))
  }
  take(await log.readToEnd(topic))
  return log.follow({ topics: [topic], from: 'earliest', onBatch: async ({ records }) => take(records), onFatal })
}

function idOf(key: Uint8Array | null): string {
  return Buffer.from(key ?? []).toString()
}

/** Of a tombstone and of what is no mute nothing but its place is known. */
function knownOf({ value, offset }: LogRecord, { logger }: RecordedMutesOptions): Known {
  const nothing = { offset, endsAtMs: Number.POSITIVE_INFINITY, mute: undefined }
  if (!value) return nothing
  try {
    const record = decode('Mute', value)
    return { offset, endsAtMs: record.endsAtMs, mute: recordedMute(record) }
  } catch (error) {
    if (!(error instanceof DecodeError || error instanceof ReadableError)) throw error
    logger.error({ offset: String(offset) }, `mute left out: ${error.message}`)
    return nothing
  }
}
