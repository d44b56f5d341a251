/**
 * Dead letters as a person asks for them: read from the log, selected, newest first.
 *
 * Everything in a letter may be hostile, the letter itself included: one that cannot be decoded is listed with the reason
 * `unreadable` and no origin, so that it is seen, and can never be replayed. Shown are sizes and texts, never the bytes.
 */
import { DecodeError, decode } from '@lapwing/contracts/codec'
import type { DeadLetter } from '@lapwing/contracts/records'
import type { LogRecord } from '@lapwing/stream/log'
import { textTable } from '../terminal/text-table.ts'

/** Where a letter stands on the topic of dead letters. */
export interface LetterPlace {
  readonly partition: number
  readonly offset: bigint
}

/** Absent means any. */
export interface LetterSelection {
  /** Topic of origin, full name. */
  readonly topic: string | undefined
  readonly reason: string | undefined
}

/** A letter without its bytes. */
export interface LetterSummary {
  readonly partition: number
  readonly offset: number
  readonly writtenAtMs: number
  readonly reason: string
  readonly service: string
  readonly originTopic: string
  readonly originPartition: number
  readonly originOffset: number
  /** Of the value. */
  readonly sizeBytes: number
  readonly error: string
}

export function readLetter({ value }: LogRecord): DeadLetter {
  try {
    return decode('DeadLetter', value ?? new Uint8Array())
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return { ...noOrigin, reason: 'unreadable', error: error.message }
  }
}

/** As a letter without these fields is read. */
const noOrigin = { service: '', topic: '', partition: -1, offset: -1, timestampMs: 0, key: null, value: null } as const

export function isSelected(letter: DeadLetter, { topic, reason }: LetterSelection): boolean {
  return (topic === undefined || letter.topic === topic) && (reason === undefined || letter.reason === reason)
}

export function summaryOf(record: LogRecord, letter: DeadLetter): LetterSummary {
  return {
    partition: record.partition,
    offset: Number(record.offset),
    writtenAtMs: record.timestampMs,
    reason: letter.reason,
    service: letter.service,
    originTopic: letter.topic,
    originPartition: letter.partition,
    originOffset: letter.offset,
    sizeBytes: letter.value?.length ?? 0,
    error: letter.error,
  }
}

/** The newest `limit` of them, newest first; of the same time, the higher place first. */
export function newestFirst(letters: readonly LetterSummary[], limit: number): LetterSummary[] {
  const newer = (a: LetterSummary, b: LetterSummary) =>
    b.writtenAtMs - a.writtenAtMs || b.partition - a.partition || b.offset - a.offset
  return letters.toSorted(newer).slice(0, limit)
}

/** The table, and a line that says how many letters it leaves out. */
export function letterTable(letters: readonly LetterSummary[], selected: number): string {
  if (selected === 0) return 'No dead letters.\n'
  const table = textTable(
    [
      { heading: 'when', align: 'left' },
      { heading: 'letter', align: 'left' },
      { heading: 'reason', align: 'left', maxCharacters: 30 },
      { heading: 'service', align: 'left', maxCharacters: 30 },
      { heading: 'origin', align: 'left', maxCharacters: 80 },
      { heading: 'bytes', align: 'right' },
      { heading: 'error', align: 'left', maxCharacters: 200 },
    ],
    letters.map((letter) => [
      timeText(letter.writtenAtMs),
      `${letter.partition}/${letter.offset}`,
      letter.reason,
      letter.service,
      letter.originTopic === '' ? '-' : `${letter.originTopic} ${letter.originPartition}/${letter.originOffset}`,
      String(letter.sizeBytes),
      letter.error,
    ]),
  )
  return selected > letters.length ? `${table}Not shown (--limit): ${selected - letters.length} older.\n` : table
}

/** ISO 8601 with seconds; the bare number when a producer stamped a time that no calendar has. */
function timeText(epochMs: number): string {
  const time = new Date(epochMs)
  return Number.isNaN(time.getTime()) ? String(epochMs) : `${time.toISOString().slice(0, -5)}Z`
}
