import { describe, expect, test, vi } from 'vitest'
import { testLogContract } from '../testing/log-contract.ts'
import { wrappedLog } from '../testing/wrapped-log.ts'
import { createInProcessLog } from './in-process-log.ts'
import { systemTiming, type Timing } from './timing.ts'

describe('the contract', () => {
  const shared = createInProcessLog()
  // One log is what all the clients of the contract share, so closing a client must not close it.
  testLogContract(() => wrappedLog(shared, { close: async () => undefined }))
})

const value = Buffer.alloc(800)
const spec = (cleanup: 'delete' | 'compact', retentionMs?: number) => ({ topic: 't', partitions: 1, cleanup, retentionMs })
const reader = { topics: ['t'], from: 'earliest', onFatal: (error: Error) => expect.unreachable(error.message) } as const

describe('memory', () => {
  test('is bounded by bytes when nobody reads', async () => {
    const log = createInProcessLog({ retainedBytesPerTopic: 100_000 })
    await log.ensureTopics([spec('delete')])
    const producer = await log.producer()
    for (let i = 0; i < 1000; i++) await producer.send([{ topic: 't', partition: 0, key: null, value }])
    const records = await log.readToEnd('t')
    expect(records).toHaveLength(100)
    expect(await log.offsets('t')).toEqual([{ earliest: 900n, next: 1000n }])
  })

  test('is bounded by age', async () => {
    const clock = { ms: 1_000_000 }
    const log = createInProcessLog({ timing: { ...systemTiming, epochMs: () => clock.ms } })
    await log.ensureTopics([spec('delete', 60_000)])
    const producer = await log.producer()
    await producer.send([{ topic: 't', partition: 0, key: null, value }])
    clock.ms += 60_001
    await producer.send([{ topic: 't', partition: 0, key: null, value }])
    expect((await log.readToEnd('t')).map((record) => record.offset)).toEqual([1n])
  })

  test('is bounded by the live keys on a compacted topic', async () => {
    const log = createInProcessLog()
    await log.ensureTopics([spec('compact')])
    const producer = await log.producer()
    for (let i = 0; i < 10_000; i++) await producer.send([{ topic: 't', partition: 0, key: Buffer.from(`${i % 10}`), value }])
    expect((await log.readToEnd('t')).length).toBeLessThan(1100)
  })

  test('holds what a reader has not read, then makes the sender wait, then refuses, and loses nothing', async () => {
    const log = createInProcessLog({ retainedBytesPerTopic: 100_000, timing: hurriedTiming })
    await log.ensureTopics([spec('delete')])
    const producer = await log.producer()
    let openGate = () => {}
    const gate = new Promise<void>((resolve) => {
      openGate = resolve
    })
    const offsets: bigint[] = []
    const onBatch = async ({ records }: { records: readonly { offset: bigint }[] }) => {
      await gate
      offsets.push(...records.map((record) => record.offset))
    }
    const consumption = await log.consume({ ...reader, group: 'slow', onBatch })
    let accepted = 0
    const sendUntilRefused = async () => {
      for (; accepted < 1000; accepted++) await producer.send([{ topic: 't', partition: 0, key: null, value }])
    }
    await expect(sendUntilRefused()).rejects.toMatchObject({ code: 'timeout' })
    expect(accepted).toBe(401)
    openGate()
    await vi.waitFor(() => expect(offsets).toHaveLength(401), { timeout: 20_000 })
    await producer.send([{ topic: 't', partition: 0, key: null, value }])
    await vi.waitFor(() => expect(offsets).toEqual(Array.from({ length: 402 }, (_, i) => BigInt(i))), { timeout: 20_000 })
    await consumption.stop()
  })
})

/** Waits a thousandth of what is asked, so that the ten seconds of patience with slow readers pass at once. */
const hurriedTiming: Timing = { ...systemTiming, sleep: (delayMs) => systemTiming.sleep(delayMs / 1000) }

test('a closed log refuses everything, and its readers have stopped', async () => {
  const log = createInProcessLog()
  await log.ensureTopics([spec('delete')])
  const producer = await log.producer()
  const onBatch = vi.fn(async () => undefined)
  await log.consume({ ...reader, group: 'g', onBatch })
  await log.close()
  await expect(log.readToEnd('t')).rejects.toMatchObject({ code: 'closed' })
  await expect(producer.send([{ topic: 't', partition: 0, key: null, value }])).rejects.toMatchObject({ code: 'closed' })
  expect(onBatch).not.toHaveBeenCalled()
})
