/** Records between the shape of `log.ts` and kafkajs'. */
import type { IHeaders, KafkaMessage, Message, TopicMessages } from 'kafkajs'
import type { LogRecord, OutgoingRecord } from './log.ts'

export function toLogRecord(topic: string, partition: number, message: KafkaMessage): LogRecord {
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    timestampMs: Number(message.timestamp),
    key: message.key,
    value: message.value,
    headers: toHeaders(message.headers),
  }
}

/** Of several headers with one name the last is kept. */
function toHeaders(headers: IHeaders | undefined): Map<string, Uint8Array> {
  const kept = new Map<string, Uint8Array>()
  for (const [name, values] of Object.entries(headers ?? {})) {
    const value = Array.isArray(values) ? values.at(-1) : values
    if (value !== undefined) kept.set(name, typeof value === 'string' ? Buffer.from(value) : value)
  }
  return kept
}

/**
 * In order, in portions that a broker takes: its usual limit is 1 MB for what goes to one partition, and a larger record goes alone.
 * Each is put together when it is asked for, so that a checkpoint of many series does not hold the loop for all of them at once.
 */
export function* toPortions(records: readonly OutgoingRecord[]): Generator<TopicMessages[]> {
  let portion = new Map<string, Message[]>()
  let places = new Map<string, number>()
  let bytes = 0
  let count = 0
  for (const record of records) {
    const size = sizeOf(record)
    const place = `${record.topic}/${record.partition}`
    const isFull = count === portionRecords || bytes + size > portionBytes || (places.get(place) ?? 0) + size > placeBytes
    if (count > 0 && isFull) {
      yield asTopicMessages(portion)
      portion = new Map()
      places = new Map()
      bytes = 0
      count = 0
    }
    count++
    bytes += size
    places.set(place, (places.get(place) ?? 0) + size)
    const messages = portion.get(record.topic) ?? []
    messages.push(toMessage(record))
    portion.set(record.topic, messages)
  }
  if (count > 0) yield asTopicMessages(portion)
}

function asTopicMessages(portion: ReadonlyMap<string, Message[]>): TopicMessages[] {
  return [...portion].map(([topic, messages]) => ({ topic, messages }))
}

/** For one partition of a topic: together they are one batch to the broker. */
const placeBytes = 900 * 1024
/** Far below what a broker takes for one request (100 MB), so that an answer never takes long. */
const portionBytes = 4 * 1024 * 1024
/** kafkajs encodes a request at one go, and small records cost it more than their bytes: 4,000 of them held the loop for 43 ms. */
const portionRecords = 1000
/** Offsets, lengths and attributes of a record on the wire are less than this. */
const framingBytes = 64

function sizeOf({ key, value, headers }: OutgoingRecord): number {
  let bytes = framingBytes + (key?.length ?? 0) + (value?.length ?? 0)
  for (const [name, content] of headers ?? []) bytes += name.length + content.length
  return bytes
}

function toMessage({ partition, key, value, headers }: OutgoingRecord): Message {
  return { partition, key: asBuffer(key), value: asBuffer(value), headers: asHeaders(headers) }
}

function asHeaders(headers: OutgoingRecord['headers']): IHeaders {
  return Object.fromEntries(
    [...(headers ?? [])].map(([name, value]) => [name, typeof value === 'string' ? value : asBuffer(value)]),
  )
}

/** The same memory: kafkajs takes Buffers only. */
function asBuffer<Bytes extends Uint8Array | null>(bytes: Bytes): Buffer | (Bytes & null) {
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
