/**
 * Records to bytes and back, in the Confluent wire format: a zero byte, the schema id as a big-endian int32, Avro.
 *
 * Decoding takes any layout ever written and returns today's type. It never trusts a length in the bytes: a record above
 * `maxRecordBytes` is refused before it is read, every array element of our schemas takes at least one byte and a count of more than the bytes that are left is
 * refused (patches/avsc@5.7.9.patch), so what is allocated is bounded by what was received, and bytes left over after the record are an error.
 *
 * Blind spot: Avro has no checksum, so random bytes after a valid id can decode to a wrong record. Kafka's own batch checksum
 * guards the wire; readers of columns check that the lengths agree (`columns.ts`).
 *
 * Source: Confluent "wire format"; Avro 1.11 specification, "Schema Resolution".
 */
import avro from 'avsc'
import type * as records from './records.ts'
import { currentVersion, layoutFor, type RecordName, readSchema, recordSchemas, type SchemaVersion } from './schemas.ts'

/** The record of each name. */
export interface RecordTypes {
  SampleBatch: records.SampleBatch
  ScoreBatch: records.ScoreBatch
  Anomaly: records.Anomaly
  Control: records.Control
  Model: records.Model
  Alert: records.Alert
  StateSnapshot: records.StateSnapshot
  StateMarker: records.StateMarker
  Notification: records.Notification
  Feedback: records.Feedback
  DeadLetter: records.DeadLetter
  ReplicaClaim: records.ReplicaClaim
  Mute: records.Mute
  ServiceSettings: records.ServiceSettings
  PodEvent: records.PodEvent
}

/** Why bytes were refused: the reason is bounded, so it can be a metric's label. */
export type DecodeReason = 'too_large' | 'not_framed' | 'unknown_schema' | 'unexpected_record' | 'malformed'

export class DecodeError extends Error {
  readonly reason: DecodeReason
  constructor(reason: DecodeReason, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'DecodeError'
    this.reason = reason
  }
}

/** Largest record that is decoded; the broker's usual limit is 1 MB, remote-write bodies may make more. */
export const maxRecordBytes = 32 * 1024 * 1024

/** The record as bytes, in the layout of today or in one before that says the same. Throws a TypeError naming the field when a value does not fit the schema. */
export function encode<Name extends RecordName>(name: Name, record: RecordTypes[Name]): Buffer {
  const { id, type } = writer(layoutFor(name, record))
  const estimate = encodeScratch
  let end = type.encode(record, estimate, headerBytes)
  if (end < 0) {
    encodeScratch = Buffer.allocUnsafe(Math.max(encodeScratch.length * 2, encodeScratch.length - end + headerBytes))
    end = type.encode(record, encodeScratch, headerBytes)
  }
  encodeScratch[0] = magicByte
  encodeScratch.writeInt32BE(id, 1)
  return Buffer.from(encodeScratch.subarray(0, end))
}

/**
 * The record in these bytes, which must be of that name. Its columns are views of the bytes: whoever keeps one for long copies it.
 * Throws DecodeError.
 */
export function decode<Name extends RecordName>(name: Name, bytes: Uint8Array): RecordTypes[Name] {
  const decoded = decodeAny(bytes)
  if (decoded.name !== name) throw new DecodeError('unexpected_record', `expected ${name}, found ${decoded.name}`)
  return decoded.record as RecordTypes[Name]
}

/** The record in these bytes; undefined when there are none, or they cannot be read as one of that name: others may have damaged what stands on a topic. */
export function decodeIfReadable<Name extends RecordName>(name: Name, bytes: Uint8Array | null): RecordTypes[Name] | undefined {
  try {
    return bytes ? decode(name, bytes) : undefined
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

/** The record in these bytes, whatever it is, with its name. For topics that carry more than one kind. Throws DecodeError. */
export function decodeAny(bytes: Uint8Array): { name: RecordName; record: RecordTypes[RecordName] } {
  if (bytes.length > maxRecordBytes) {
    throw new DecodeError('too_large', `record of ${bytes.length} bytes, limit ${maxRecordBytes}`)
  }
  if (bytes.length < headerBytes || bytes[0] !== magicByte) throw new DecodeError('not_framed', 'no Confluent header')
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const id = buffer.readInt32BE(1)
  const found = reader(id)
  if (!found) throw new DecodeError('unknown_schema', `no schema has id ${id}`)
  try {
    return { name: found.name, record: found.type.fromBuffer(buffer.subarray(headerBytes), found.resolver) }
  } catch (cause) {
    throw new DecodeError('malformed', `not a ${found.name}: ${(cause as Error).message}`, cause)
  }
}

const magicByte = 0
const headerBytes = 5
/** Grows to the largest record seen, so that encoding allocates only what it returns. */
let encodeScratch: Buffer = Buffer.allocUnsafe(64 * 1024)

interface Writer {
  readonly id: number
  readonly type: avro.Type
}
interface Reader {
  readonly name: RecordName
  readonly type: avro.Type
  /** Absent when the bytes have today's layout. */
  readonly resolver: avro.Resolver | undefined
}
const writers = new Map<number, Writer>()
const readers = new Map<number, Reader>()

function writer({ id, file }: SchemaVersion): Writer {
  let found = writers.get(id)
  if (!found) {
    found = { id, type: avro.Type.forSchema(readSchema(file)) }
    writers.set(id, found)
  }
  return found
}

function reader(id: number): Reader | undefined {
  const known = readers.get(id)
  if (known) return known
  for (const [name, { versions }] of Object.entries(recordSchemas)) {
    const version = versions.find((candidate) => candidate.id === id)
    if (!version) continue
    const current = writer(currentVersion(name as RecordName))
    const resolver = current.id === id ? undefined : current.type.createResolver(avro.Type.forSchema(readSchema(version.file)))
    const made = { name: name as RecordName, type: current.type, resolver }
    readers.set(id, made)
    return made
  }
  return undefined
}
