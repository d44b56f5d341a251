/**
 * Writes remote-write requests to the log, those that come while a write is under way together: one record a partition instead of one
 * a request, each request answered when the log has acknowledged all of it.
 *
 * There is no timer: a request that comes alone goes out at once, and records grow with the load. When the log finds a record too large,
 * one request must not be the reason for refusing another, so from then on each is written alone.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DecodedWrite } from '@lapwing/prometheus/remote-write-decoder'
import type { SampleRecord } from '@lapwing/prometheus/sample-batches'
import { LogError } from '@lapwing/stream/errors'
import type { OutgoingRecord } from '@lapwing/stream/log'
import { carrying, inSpan, markTrace, type TraceMark } from '@lapwing/stream/trace-context'
import { PushBatches, type PushCounts } from './push-batches.ts'

export interface PushWriterOptions {
  readonly samplesTopic: string
  readonly partitions: number
  /** Rejects with a LogError, also while the log is not there yet. */
  send(records: readonly OutgoingRecord[]): Promise<void>
  now(): number
}

export interface PushWriter {
  /** Copies what is taken of the request before it returns. Rejects with a LogError. */
  write(request: DecodedWrite): Promise<PushCounts>
  /** About how much waits for the log, gathered or being sent. */
  pendingBytes(): number
}

/** Who waits for a write. */
interface Waiting {
  readonly mark: TraceMark
  resolve(): void
  reject(error: Error): void
}

export function createPushWriter({ samplesTopic, partitions, send, now }: PushWriterOptions): PushWriter {
  const batches = new PushBatches(partitions)
  let gathered: Waiting[] = []
  const writes: { records: readonly SampleRecord[]; requests: readonly Waiting[] }[] = []
  let isSending = false
  let isGathering = true
  /** Of records that are not acknowledged. */
  let recordBytes = 0

  const closeGathering = () => {
    const records = batches.takeRecords()
    recordBytes += bytesOf(records)
    writes.push({ records, requests: gathered })
    gathered = []
  }
  const sendAll = async () => {
    isSending = true
    // Requests that arrived in the same turn go along.
    await nextTurn()
    while (writes.length > 0 || gathered.length > 0) {
      if (writes.length === 0) closeGathering()
      await sendOne(writes.shift()!)
    }
    isSending = false
  }
  const sendOne = async ({ records, requests }: (typeof writes)[number]) => {
    try {
      const after = requests.map(({ mark }) => mark)
      await inSpan('ingestor', `send ${samplesTopic}`, { kind: 'producer', after }, () =>
        send(records.map((record) => carrying({ topic: samplesTopic, key: null, ...record }))),
      )
      for (const { resolve } of requests) resolve()
    } catch (error) {
      const isSomeFault = requests.length > 1 && error instanceof LogError && error.code === 'too_large'
      if (isSomeFault) isGathering = false
      const refusal = isSomeFault
        ? new LogError('timeout', 'too large together; each is written alone from now on', error)
        : error
      for (const { reject } of requests) reject(refusal as Error)
    } finally {
      recordBytes -= bytesOf(records)
    }
  }
  return {
    write: (request) => {
      const counts = batches.add(request, now())
      const written = new Promise<void>((resolve, reject) => gathered.push({ mark: markTrace(), resolve, reject }))
      if (!isGathering) closeGathering()
      if (!isSending) void sendAll()
      return written.then(() => counts)
    },
    pendingBytes: () => recordBytes + batches.bytes(),
  }
}

function bytesOf(records: readonly SampleRecord[]): number {
  return records.reduce((sum, { value }) => sum + value.length, 0)
}
