import { setTimeout } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { type FollowedReader, followTopics } from './kafka-follow.ts'
import type { Position } from './kafka-reader.ts'
import type { LogRecord } from './log.ts'

const silent = { debug: () => {}, warn: () => {}, error: () => {} }
const never = new Promise<never>(() => {})

/** One partition with a record at each offset below the end. */
function answering(end: bigint): FollowedReader {
  const read = ({ topic, partition, offset }: Position): LogRecord[] =>
    offset < end ? [{ topic, partition, offset, timestampMs: 0, key: null, value: null, headers: new Map() }] : []
  return {
    offsets: async () => [{ earliest: 0n, next: end }],
    fetch: async ([position]) => {
      const records = read(position!)
      if (records.length === 0) await setTimeout(20)
      const nextOffset = position!.offset + BigInt(records.length)
      return [{ position: position!, records, nextOffset, endOffset: end, stableOffset: end }]
    },
    refresh: async () => {},
    endFetches: () => {},
    close: async () => {},
  }
}

test('a fetch that never answers is left behind, and reading goes on where it was over a new connection', async () => {
  const closed: string[] = []
  const hanging = { ...answering(2n), close: async () => void closed.push('hanging') }
  let fetches = 0
  const first: FollowedReader = {
    ...hanging,
    fetch: (positions, waitMs) => (++fetches === 2 ? never : hanging.fetch(positions, waitMs)),
  }
  const readers = [first, answering(4n)]
  const seen: bigint[] = []
  const fatal: Error[] = []
  const consumption = await followTopics(
    () => readers.shift()!,
    {
      topics: ['t'],
      from: 'earliest',
      onBatch: async ({ records }) => void seen.push(...records.map(({ offset }) => offset)),
      onFatal: (error) => fatal.push(error),
    },
    silent,
    100,
  )
  await vi.waitFor(() => expect(seen).toEqual([0n, 1n, 2n, 3n]), { timeout: 20_000 })
  expect([closed, fatal]).toEqual([['hanging'], []])
  await consumption.stop()
})
