import { decode } from '@lapwing/contracts/codec'
import type { PodEvent } from '@lapwing/contracts/records'
import type { OutgoingRecord } from '@lapwing/stream/log'
import { describe, expect, test } from 'vitest'
import { createPodWriter } from './pod-writer.ts'

const nowMs = 1_772_445_600_000

describe('what happens to pods', () => {
  test('is written once, however often it is seen', async () => {
    const { writer, written } = writerOn()
    writer.write([event({ id: 'a' })])
    writer.write([event({ id: 'a' }), event({ id: 'b' })])
    await writer.stop()
    expect(written().map(({ id }) => id)).toEqual(['a', 'b'])
  })

  test('is no news an hour later', async () => {
    const { writer, written } = writerOn()
    writer.write([event({ atMs: nowMs - 3_600_001 })])
    await writer.stop()
    expect(written()).toEqual([])
  })

  test('waits for a log that is away, and keeps its order', async () => {
    const { writer, written, retries } = writerOn({ failures: 1 })
    writer.write([event({ id: 'a' })])
    writer.write([event({ id: 'b' })])
    await expect.poll(() => written().map(({ id }) => id), { timeout: 20_000 }).toEqual(['a', 'b'])
    expect(retries()).toBe(1)
    await writer.stop()
  })

  test('stays in order within a pod: one partition each', async () => {
    const { writer, records } = writerOn()
    writer.write(['a', 'b', 'c'].map((id) => event({ id })))
    await writer.stop()
    expect(new Set(records().map(({ partition }) => partition)).size).toBe(1)
  })
})

function writerOn({ failures = 0 } = {}) {
  const sent: OutgoingRecord[] = []
  let retries = 0
  const writer = createPodWriter({
    topic: 'pod-events',
    partitions: 8,
    send: async (records) => {
      if (retries < failures) throw new Error('away')
      sent.push(...records)
    },
    onRetry: () => retries++,
    onWritten: () => {},
    nowMs: () => nowMs,
  })
  return {
    writer,
    records: () => sent,
    written: () => sent.map(({ value }) => decode('PodEvent', value!)),
    retries: () => retries,
  }
}

function event(facts: Partial<PodEvent>): PodEvent {
  return {
    ...{ id: 'a', kind: 'container_ended', namespace: 'shop', pod: 'cart-1', container: 'app', node: 'node-7' },
    ...{ reason: 'OOMKilled', exitCode: 137, restarts: 1, message: '', atMs: nowMs - 1000 },
    ...facts,
  }
}
