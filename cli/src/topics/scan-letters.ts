/**
 * The dead letters on the log, portion by portion: they may be many and each a few megabytes, so they are never held all at once.
 *
 * Only what is there at the beginning is read: what is replayed in vain comes back as a letter, and a replay would never end.
 */
import type { DeadLetter } from '@lapwing/contracts/records'
import { topicName } from '@lapwing/contracts/topics'
import type { Log, LogRecord } from '@lapwing/stream/log'
import { UserError } from '../user-error.ts'
import { isSelected, type LetterPlace, type LetterSelection, readLetter } from './dead-letter.ts'
import type { Deployment } from './open-log.ts'
import type { TopicOffsets } from './topic-row.ts'
import { unlessAbsent } from './unless-absent.ts'

export interface FoundLetter {
  readonly record: LogRecord
  readonly letter: DeadLetter
}

/** The selected letters, oldest first within a partition. Rejects with a UserError when their topic is absent. */
export async function* scanLetters({ log, prefix }: Deployment, selection: LetterSelection): AsyncGenerator<FoundLetter[]> {
  const topic = topicName(prefix, 'dead-letters')
  for (const [partition, { earliest, next }] of (await offsetsOf(log, topic)).entries()) {
    if (earliest === next) continue
    for await (const records of log.readRange(topic, partition, earliest, next)) yield select(records, selection)
  }
}

/** The letter at a place, when it is there and selected. */
export async function* scanPlace(
  { log, prefix }: Deployment,
  { partition, offset }: LetterPlace,
  selection: LetterSelection,
): AsyncGenerator<FoundLetter[]> {
  const topic = topicName(prefix, 'dead-letters')
  const range = (await offsetsOf(log, topic))[partition]
  if (!range || offset < range.earliest || offset >= range.next) return
  for await (const records of log.readRange(topic, partition, offset, offset + 1n)) yield select(records, selection)
}

async function offsetsOf(log: Log, topic: string): Promise<TopicOffsets> {
  const offsets = await unlessAbsent(log.offsets(topic))
  if (!offsets)
    throw new UserError(`${topic} is not on these brokers: no service has started there, or kafka.topic_prefix is another.`)
  return offsets
}

function select(records: readonly LogRecord[], selection: LetterSelection): FoundLetter[] {
  return records.map((record) => ({ record, letter: readLetter(record) })).filter(({ letter }) => isSelected(letter, selection))
}
