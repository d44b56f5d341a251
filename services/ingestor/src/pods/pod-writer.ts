/** Writes what happened to pods onto the log: each event once, in the order in which they were seen, however long the log is away. */
import { createHash } from 'node:crypto'
import { encode } from '@lapwing/contracts/codec'
import type { PodEvent } from '@lapwing/contracts/records'
import { partitionOf } from '@lapwing/contracts/series'
import type { OutgoingRecord } from '@lapwing/stream/log'
import { pause } from '../pause.ts'

export interface PodWriterOptions {
  readonly topic: string
  readonly partitions: number
  send(records: readonly OutgoingRecord[]): Promise<void>
  /** The log did not take it; it is tried again. */
  onRetry(error: Error): void
  onWritten(events: readonly PodEvent[]): void
  nowMs(): number
}

export interface PodWriter {
  /** Events that are news: not yet written by this process, and not of the past. */
  write(events: readonly PodEvent[]): void
  /** What is not written yet is tried once more, then given up. */
  stop(): Promise<void>
}

/** What is older when it is seen first explains nothing any more. */
const newsForMs = 3_600_000
const mostIds = 50_000
const retryMs = 1000

export function createPodWriter(options: PodWriterOptions): PodWriter {
  const seen = new Set<string>()
  const stopping = new AbortController()
  let last = Promise.resolve()
  const send = async (events: readonly PodEvent[]) => {
    const records = events.map((event) => recordOf(event, options))
    for (;;) {
      const failure = await options.send(records).then(
        () => undefined,
        (error: Error) => error,
      )
      if (!failure) return options.onWritten(events)
      if (stopping.signal.aborted) return
      options.onRetry(failure)
      await pause(retryMs, stopping.signal)
    }
  }
  return {
    write: (events) => {
      const news = events.filter(({ id, atMs }) => !seen.has(id) && atMs > options.nowMs() - newsForMs)
      if (news.length === 0) return
      for (const { id } of news) remember(seen, id)
      last = last.then(() => send(news))
    },
    stop: () => {
      stopping.abort()
      return last
    },
  }
}

function remember(ids: Set<string>, id: string): void {
  ids.add(id)
  if (ids.size > mostIds) ids.delete(ids.keys().next().value!)
}

/** What happens to a pod stays in order. */
function recordOf(event: PodEvent, { topic, partitions }: PodWriterOptions): OutgoingRecord {
  const name = `${event.namespace}/${event.pod}`
  const partition = partitionOf(createHash('sha256').update(name).digest().subarray(0, 16), partitions)
  return { topic, partition, key: Buffer.from(name), value: encode('PodEvent', event) }
}
