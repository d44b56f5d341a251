/** A record that cannot be used, as it goes to the dead letters: with its reason, its origin and its bytes. */
import { DecodeError, encode } from '@lapwing/contracts/codec'
import { bytesOf, ColumnError } from '@lapwing/contracts/columns'
import type { LogRecord, OutgoingRecord } from './log.ts'

export interface DeadLetterOrigin {
  /** Topic for records that cannot be decoded. */
  readonly deadLetters: string
  /** Name of the service. */
  readonly service: string
}

/** The bounded reason when the record is damaged; undefined when the error is ours. */
export function damageOf(error: unknown): string | undefined {
  if (error instanceof DecodeError) return error.reason
  if (error instanceof ColumnError) return 'malformed'
  return undefined
}

export function deadLetter(
  record: Omit<LogRecord, 'headers'>,
  reason: string,
  error: Error,
  { deadLetters, service }: DeadLetterOrigin,
): OutgoingRecord {
  const value = encode('DeadLetter', {
    reason,
    error: error.message,
    service,
    topic: record.topic,
    partition: record.partition,
    offset: Number(record.offset),
    timestampMs: record.timestampMs,
    key: beginningOf(record.key),
    value: beginningOf(record.value),
  })
  return { topic: deadLetters, partition: record.partition, key: null, value }
}

/** All of it, unless it is so large that the dead letter itself would be refused: whoever writes such a record must not stop us. */
function beginningOf(bytes: Uint8Array | null): Buffer | null {
  return bytes && bytesOf(bytes.subarray(0, keptBytes))
}

const keptBytes = 3 * 1024 * 1024
