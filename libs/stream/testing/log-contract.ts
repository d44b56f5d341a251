/**
 * What every adapter of the log must do, as tests: the promises of `log.ts`, one by one.
 *
 * Each test works on topics of its own, so the suite can run against a broker that is shared and keeps its data. Offsets are
 * compared with each other only: on Kafka the marks of transactions take offsets too.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Cleanup } from '@lapwing/contracts/topics'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { LogError } from '../src/errors.ts'
import type { BatchContext, Consumption, Log, LogRecord, OutgoingRecord, RecordBatch } from '../src/log.ts'

/** @param connect one more client of the same log; the suite closes it */
export function testLogContract(connect: () => Log): void {
  describe('records', () => {
    testRecords(connect)
    testLimits(connect)
  })
  describe('topics', () => {
    testTopics(connect)
  })
  describe('groups', () => {
    testGroups(connect)
    testSharing(connect)
    testOwnership(connect)
    testIdleGroups(connect)
  })
  describe('a batch that fails', () => {
    testFailures(connect)
  })
  describe('followers', () => {
    testFollowers(connect)
  })
  describe('compacted topics', () => {
    testCompaction(connect)
  })
  describe('fenced producers', () => {
    testFencing(connect)
  })
}

const patience = { timeout: 60_000, interval: 20 }

function testRecords(connect: () => Log): void {
  test('come back with key, value, headers and order of their partition', async () => {
    const log = open(connect)
    const topic = await createTopic(log, 2)
    const producer = await log.producer()
    const binary = Uint8Array.from({ length: 256 }, (_, i) => i)
    const headers = new Map<string, string | Uint8Array>([
      ['text', 'påskønne'],
      ['bytes', binary],
      ['__proto__', 'harmless'],
    ])
    await producer.send([{ topic, partition: 1, key: binary, value: binary, headers }])
    for (let i = 0; i < 20; i++) await producer.send([record(topic, 1, `k${i}`, `v${i}`), record(topic, 0, null, `${i}`)])

    const [first, ...rest] = await log.readToEnd(topic, 1)
    expect(Buffer.from(first!.key!).equals(binary)).toBe(true)
    expect(Buffer.from(first!.value!).equals(binary)).toBe(true)
    expect([...first!.headers].map(([name, value]) => [name, Buffer.from(value).toString()])).toEqual(
      [...headers].map(([name, value]) => [name, Buffer.from(value as string).toString()]),
    )
    expect(texts(rest)).toEqual(Array.from({ length: 20 }, (_, i) => `v${i}`))
    expect(rest.every((each, i) => each.offset > (i === 0 ? first! : rest[i - 1]!).offset)).toBe(true)
    expect(texts(await log.readToEnd(topic, 0))).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`))
    expect(await log.readToEnd(topic)).toHaveLength(41)
  })

  test('keep null values and null keys apart from empty ones', async () => {
    const log = open(connect)
    const topic = await createTopic(log, 1)
    const producer = await log.producer()
    const empty = new Uint8Array(0)
    await producer.send([
      { topic, partition: 0, key: null, value: null },
      { topic, partition: 0, key: empty, value: empty },
    ])
    const records = await log.readToEnd(topic)
    expect(records.map(({ key, value }) => [key?.length, value?.length])).toEqual([
      [undefined, undefined],
      [0, 0],
    ])
  })

  test('are timestamped at about the time they were sent', async () => {
    const log = open(connect)
    const topic = await createTopic(log, 1)
    const before = Date.now()
    await (await log.producer()).send([record(topic, 0, 'k', 'v')])
    const [{ timestampMs } = { timestampMs: 0 }] = await log.readToEnd(topic)
    expect(timestampMs).toBeGreaterThanOrEqual(before)
    expect(timestampMs).toBeLessThanOrEqual(Date.now())
  })
}

function testLimits(connect: () => Log): void {
  test('of 5 MB pass', async () => {
    const log = open(connect)
    const topic = await createTopic(log, 1)
    const value = Buffer.alloc(5_000_000, 'x')
    await (await log.producer()).send([{ topic, partition: 0, key: null, value }])
    const seen = await consumeAll(log, { topics: [topic], group: newName() })
    await vi.waitFor(() => expect(seen.records).toHaveLength(1), patience)
    expect(value.equals(seen.records[0]!.value!)).toBe(true)
  })

  test('for a partition or a topic that does not exist are refused', async () => {
    const log = open(connect)
    const topic = await createTopic(log, 2)
    const producer = await log.producer()
    expect(await codeOf(producer.send([record(topic, 2, 'k', 'v')]))).toBe('partition_mismatch')
    expect(await codeOf(producer.send([record(newName(), 0, 'k', 'v')]))).toBe('unknown_topic')
    await producer.send([record(topic, 1, 'k', 'still works')])
    expect(texts(await log.readToEnd(topic))).toEqual(['still works'])
  })

  test('are refused by a producer and by a log that is closed', async () => {
    const log = open(connect)
    const topic = await createTopic(log, 1)
    const producer = await log.producer()
    await producer.close()
    expect(await codeOf(producer.send([record(topic, 0, 'k', 'v')]))).toBe('closed')
  })
}

function testTopics(connect: () => Log): void {
  test('are created once, and another partition count is refused', async () => {
    const log = open(connect)
    const spec = { topic: newName(), partitions: 3, cleanup: 'delete', retentionMs: 3_600_000 } as const
    expect(await log.ensureTopics([spec])).toEqual([])
    expect(await log.ensureTopics([spec])).toEqual([])
    expect(await log.partitionCount(spec.topic)).toBe(3)
    expect(await codeOf(log.ensureTopics([{ ...spec, partitions: 4 }]))).toBe('partition_mismatch')
    expect(await log.partitionCount(spec.topic)).toBe(3)
  })

  test('that differ otherwise are left alone and told of', async () => {
    const log = open(connect)
    const spec = { topic: newName(), partitions: 1, cleanup: 'delete', retentionMs: 3_600_000 } as const
    await log.ensureTopics([spec])
    const told = await log.ensureTopics([{ ...spec, retentionMs: 7_200_000 }])
    expect(told).toHaveLength(1)
    expect(told[0]).toContain(spec.topic)
    expect(told[0]).toContain('7200000')
  })

  test('that are unknown are refused by every reader', async () => {
    const log = open(connect)
    const topic = newName()
    const reader = { topics: [topic], from: 'earliest', onBatch: async () => undefined, onFatal: () => undefined } as const
    expect(await codeOf(log.partitionCount(topic))).toBe('unknown_topic')
    expect(await codeOf(log.readToEnd(topic))).toBe('unknown_topic')
    expect(await codeOf(log.offsets(topic))).toBe('unknown_topic')
    expect(await codeOf(log.follow(reader))).toBe('unknown_topic')
    expect(await codeOf(log.consume({ ...reader, group: newName() }))).toBe('unknown_topic')
  })

  test('tell their offsets', async () => {
    const log = open(connect)
    const topic = await createTopic(log, 2)
    expect(await log.offsets(topic)).toEqual(Array(2).fill({ earliest: 0n, next: 0n }))
    expect(await log.readToEnd(topic)).toEqual([])
    await (await log.producer()).send([record(topic, 1, 'k', 'a'), record(topic, 1, 'k', 'b')])
    expect(await log.offsets(topic)).toEqual([
      { earliest: 0n, next: 0n },
      { earliest: 0n, next: 2n },
    ])
  })
}

function testGroups(connect: () => Log): void {
  test('read from the beginning, then from where they stopped', async () => {
    const log = open(connect)
    const topic = await createTopic(log, 2)
    const producer = await log.producer()
    const group = newName()
    await producer.send(range(10).map((i) => record(topic, i % 2, 'k', `${i}`)))
    const first = await consumeAll(log, { topics: [topic], group })
    await vi.waitFor(() => expect(first.records).toHaveLength(10), patience)
    await first.consumption.stop()
    await producer.send([record(topic, 0, 'k', 'later')])
    const second = await consumeAll(log, { topics: [topic], group })
    await vi.waitFor(() => expect(texts(second.records)).toEqual(['later']), patience)
  })

  test('tell the end of the partition with each batch', async () => {
    const log = open(connect)
    const topic = await createTopic(log, 1)
    await (await log.producer()).send(range(7).map((i) => record(topic, 0, 'k', `${i}`)))
    const seen = await consumeAll(log, { topics: [topic], group: newName() })
    await vi.waitFor(() => expect(seen.records).toHaveLength(7), patience)
    expect(seen.batches.at(-1)?.endOffset).toBe(7n)
  })
}

function testSharing(connect: () => Log): void {
  test('share partitions, the same numbers of every topic, and keep what need not move', async () => {
    const logs = [open(connect), open(connect)] as const
    const topics = [await createTopic(logs[0], 5), await createTopic(logs[0], 5)]
    const group = newName()
    const first = await consumeAll(logs[0], { topics, group })
    await vi.waitFor(() => expect(first.assigned()).toEqual([range(5), range(5)]), patience)
    const second = await consumeAll(logs[1], { topics, group })
    await vi.waitFor(() => expect([...first.assigned()[0]!, ...second.assigned()[0]!].sort()).toEqual(range(5)), patience)
    expect(first.assigned()[0]).toHaveLength(3)
    for (const member of [first, second]) expect(member.assigned()[1]).toEqual(member.assigned()[0])

    const producer = await logs[0].producer()
    await producer.send(topics.flatMap((topic) => range(5).map((partition) => record(topic, partition, 'k', `${partition}`))))
    await vi.waitFor(() => expect(first.records.length + second.records.length).toBe(10), patience)
    for (const member of [first, second]) {
      expect(new Set(member.records.map((each) => each.partition))).toEqual(new Set(member.assigned()[0]))
    }
    const kept = first.assigned()[0]!
    await second.consumption.stop()
    await vi.waitFor(() => expect(first.assigned()[0]).toEqual(range(5)), patience)
    expect(kept.every((partition) => first.assigned()[0]!.includes(partition))).toBe(true)
  })

  test('keep their partitions until they have done what they do before leaving', async () => {
    const logs = [open(connect), open(connect)] as const
    const topic = await createTopic(logs[0], 1)
    const group = newName()
    const producer = await logs[0].producer()
    const leaving = await consumeAll(logs[0], { topics: [topic], group })
    await producer.send([record(topic, 0, 'k', 'a')])
    await vi.waitFor(() => expect(texts(leaving.records)).toEqual(['a']), patience)
    const staying = await consumeAll(logs[1], { topics: [topic], group })
    await vi.waitFor(() => expect(staying.assigned()).toEqual([[]]), patience)
    const events: string[] = []
    await leaving.consumption.stop(async () => {
      await producer.send([record(topic, 0, 'k', 'b')])
      // Long enough for a member that left too early to be found out by what the other one got.
      await setTimeout(200)
      events.push(`left with ${texts(leaving.records)}, the other has ${texts(staying.records)}`)
    })
    expect(events).toEqual(['left with a, the other has '])
    await vi.waitFor(() => expect(texts(staying.records)).toEqual(['b']), patience)
  })

  test('lose and repeat nothing when members come and go between batches', async () => {
    const logs = [open(connect), open(connect)] as const
    const topic = await createTopic(logs[0], 4)
    const group = newName()
    const producer = await logs[0].producer()
    const first = await consumeAll(logs[0], { topics: [topic], group })
    await producer.send(range(40).map((i) => record(topic, i % 4, 'k', `a${i}`)))
    const second = await consumeAll(logs[1], { topics: [topic], group })
    await producer.send(range(40).map((i) => record(topic, i % 4, 'k', `b${i}`)))
    await vi.waitFor(() => expect(second.records.length).toBeGreaterThan(0), patience)
    await first.consumption.stop()
    await producer.send(range(40).map((i) => record(topic, i % 4, 'k', `c${i}`)))
    const seen = () => [...new Set(texts([...first.records, ...second.records]))].sort()
    const sent = ['a', 'b', 'c'].flatMap((letter) => range(40).map((i) => `${letter}${i}`)).sort()
    await vi.waitFor(() => expect(seen()).toEqual(sent), patience)
  })
}

function testOwnership(connect: () => Log): void {
  test('are told that a partition is no longer theirs while they still work on it', async () => {
    const logs = [open(connect), open(connect)] as const
    const topic = await createTopic(logs[0], 2)
    const group = newName()
    let openGate = () => {}
    const gate = new Promise<void>((resolve) => {
      openGate = resolve
    })
    const contexts = new Map<number, BatchContext>()
    const onBatch = async (batch: RecordBatch, context: BatchContext) => {
      contexts.set(batch.partition, context)
      await gate
      await context.heartbeat()
    }
    const first = await consumeAll(logs[0], { topics: [topic], group, onBatch })
    await (await logs[0].producer()).send(range(2).map((partition) => record(topic, partition, 'k', `${partition}`)))
    await vi.waitFor(() => expect(contexts.size).toBe(2), patience)
    expect([...contexts.values()].every((context) => context.alive())).toBe(true)
    const joining = consumeAll(logs[1], { topics: [topic], group })
    openGate()
    const second = await joining
    await vi.waitFor(() => expect(second.assigned()[0]).toHaveLength(1), patience)
    const moved = second.assigned()[0]![0]!
    await vi.waitFor(() => expect(contexts.get(moved)?.alive()).toBe(false), patience)
    expect(first.assigned()[0]).not.toContain(moved)
  })

  test('never get two batches of one partition at a time', async () => {
    const log = open(connect)
    const topics = [await createTopic(log, 2), await createTopic(log, 2)]
    const producer = await log.producer()
    const active = new Map<number, number>()
    let highest = 0
    const onBatch = async ({ partition }: RecordBatch, context: BatchContext) => {
      active.set(partition, (active.get(partition) ?? 0) + 1)
      highest = Math.max(highest, active.get(partition)!)
      await context.heartbeat()
      active.set(partition, active.get(partition)! - 1)
    }
    const seen = await consumeAll(log, { topics, group: newName(), onBatch })
    for (const i of range(20)) await producer.send(topics.flatMap((topic) => range(2).map((p) => record(topic, p, 'k', `${i}`))))
    await vi.waitFor(() => expect(seen.records).toHaveLength(80), patience)
    expect(highest).toBe(1)
  })
}

function testIdleGroups(connect: () => Log): void {
  test('that begin at the latest record skip what came before', async () => {
    const log = open(connect)
    const topic = await createTopic(log, 1)
    const producer = await log.producer()
    await producer.send([record(topic, 0, 'k', 'before')])
    const seen = await consumeAll(log, { topics: [topic], group: newName(), from: 'latest' })
    await vi.waitFor(async () => {
      await producer.send([record(topic, 0, 'k', 'after')])
      expect(seen.records.length).toBeGreaterThan(0)
    }, patience)
    expect(texts(seen.records)).not.toContain('before')
  })

  test('show signs of life while nothing arrives', async () => {
    const log = open(connect)
    const seen = await consumeAll(log, { topics: [await createTopic(log, 1)], group: newName() })
    const start = performance.now()
    await vi.waitFor(() => expect(seen.consumption.lastActivityMs()).toBeGreaterThan(start), patience)
  })
}

function testFailures(connect: () => Log): void {
  test('for a reason that passes comes again, whole, before anything later', async () => {
    const log = open(connect)
    const topic = await createTopic(log, 1)
    let failures = 0
    const onBatch = async () => {
      if (failures++ < 2) throw new LogError('unreachable')
    }
    const seen = await consumeAll(log, { topics: [topic], group: newName(), onBatch })
    const producer = await log.producer()
    await producer.send(range(3).map((i) => record(topic, 0, 'k', `${i}`)))
    await vi.waitFor(() => expect(texts(seen.records)).toEqual(['0', '1', '2']), patience)
    expect(failures).toBe(3)
  })

  test('for a reason that stays ends the consumer, and the next one gets it', async () => {
    const log = open(connect)
    const topic = await createTopic(log, 1)
    const group = newName()
    const onBatch = async () => {
      throw new TypeError('a bug')
    }
    const broken = await consumeAll(log, { topics: [topic], group, onBatch })
    await (await log.producer()).send([record(topic, 0, 'k', 'poison')])
    await vi.waitFor(() => expect(broken.fatal.map((error) => error.message)).toEqual(['a bug']), patience)
    const next = await consumeAll(log, { topics: [topic], group })
    await vi.waitFor(() => expect(texts(next.records)).toEqual(['poison']), patience)
    await broken.consumption.stop()
    expect(broken.fatal).toHaveLength(1)
  })

  test('does not lose its place when the consumer stops meanwhile', async () => {
    const log = open(connect)
    const topic = await createTopic(log, 1)
    const group = newName()
    let tries = 0
    const onBatch = async () => {
      tries++
      throw new LogError('timeout')
    }
    const failing = await consumeAll(log, { topics: [topic], group, onBatch })
    await (await log.producer()).send([record(topic, 0, 'k', 'v')])
    await vi.waitFor(() => expect(tries).toBeGreaterThan(0), patience)
    await failing.consumption.stop()
    const next = await consumeAll(log, { topics: [topic], group })
    await vi.waitFor(() => expect(texts(next.records)).toEqual(['v']), patience)
  })
}

function testFollowers(connect: () => Log): void {
  test('each see everything, past and to come', async () => {
    const log = open(connect)
    const topics = [await createTopic(log, 3), await createTopic(log, 1)]
    const producer = await log.producer()
    await producer.send(range(6).map((i) => record(topics[0]!, i % 3, 'k', `${i}`)))
    const followers = [await followAll(log, topics, 'earliest'), await followAll(log, topics, 'earliest')]
    await producer.send([record(topics[1]!, 0, 'k', 'new')])
    for (const follower of followers) {
      await vi.waitFor(() => expect(texts(follower.records).sort()).toEqual(['0', '1', '2', '3', '4', '5', 'new']), patience)
    }
  })

  test('that begin at the latest record see only what comes after', async () => {
    const log = open(connect)
    const topic = await createTopic(log, 1)
    const producer = await log.producer()
    await producer.send([record(topic, 0, 'k', 'before')])
    const follower = await followAll(log, [topic], 'latest')
    await producer.send([record(topic, 0, 'k', 'after')])
    await vi.waitFor(() => expect(texts(follower.records)).toEqual(['after']), patience)
    const start = performance.now()
    await vi.waitFor(() => expect(follower.consumption.lastActivityMs()).toBeGreaterThan(start), patience)
  })

  test('stop at once, although they wait for what is to come', async () => {
    const log = open(connect)
    const follower = await followAll(log, [await createTopic(log, 1)], 'earliest')
    const startMs = performance.now()
    await follower.consumption.stop()
    expect(performance.now() - startMs).toBeLessThan(2500)
    expect(follower.fatal).toEqual([])
  })

  test('get a batch again after a failure that passes, and end after one that stays', async () => {
    const log = open(connect)
    const topic = await createTopic(log, 1)
    const errors = [new LogError('unreachable'), undefined, new TypeError('a bug')]
    const follower = await followAll(log, [topic], 'earliest', () => errors.shift())
    const producer = await log.producer()
    await producer.send([record(topic, 0, 'k', 'one')])
    await vi.waitFor(() => expect(texts(follower.records)).toEqual(['one']), patience)
    await producer.send([record(topic, 0, 'k', 'two')])
    await vi.waitFor(() => expect(follower.fatal.map((error) => error.message)).toEqual(['a bug']), patience)
    expect(texts(follower.records)).toEqual(['one'])
  })
}

function testCompaction(connect: () => Log): void {
  test('hold at least the newest record of each key, tombstones included', async () => {
    const log = open(connect)
    const topic = await createTopic(log, 1, 'compact')
    const producer = await log.producer()
    for (const round of range(30)) await producer.send(range(100).map((key) => record(topic, 0, `k${key}`, `${round}`)))
    await producer.send([{ topic, partition: 0, key: Buffer.from('k7'), value: null }])
    const newest = new Map((await log.readToEnd(topic)).map((each) => [Buffer.from(each.key!).toString(), each.value]))
    expect(newest.size).toBe(100)
    expect(newest.get('k7')).toBeNull()
    expect([...newest].filter(([key]) => key !== 'k7').every(([, value]) => Buffer.from(value!).toString() === '29')).toBe(true)
  })

  test('refuse a record without a key', async () => {
    const log = open(connect)
    const topic = await createTopic(log, 1, 'compact')
    const sending = (await log.producer()).send([{ topic, partition: 0, key: null, value: Buffer.from('v') }])
    expect(await codeOf(sending)).toBe('unexpected')
    expect(await log.readToEnd(topic)).toEqual([])
  })
}

function testFencing(connect: () => Log): void {
  test('commit over several topics and partitions, readable at once', async () => {
    const log = open(connect)
    const topics = [await createTopic(log, 2, 'compact'), await createTopic(log, 2)]
    const owner = await log.fencedProducer(newName())
    for (const round of range(5)) {
      await owner.commit(topics.flatMap((topic) => range(2).map((partition) => record(topic, partition, 'k', `${round}`))))
      for (const topic of topics) expect(texts(await log.readToEnd(topic, 1)).at(-1)).toBe(`${round}`)
    }
    await owner.send([record(topics[1]!, 0, 'k', 'sent')])
    expect(texts(await log.readToEnd(topics[1]!, 0))).toEqual([...range(5).map(String), 'sent'])
    const seen = await consumeAll(log, { topics: [topics[1]!], group: newName() })
    await vi.waitFor(() => expect(seen.records).toHaveLength(11), patience)
  })

  test('that are refused leave nothing visible', async () => {
    const log = open(connect)
    const topic = await createTopic(log, 1)
    const owner = await log.fencedProducer(newName())
    expect(await codeOf(owner.commit([record(topic, 0, 'k', 'torn'), record(newName(), 0, 'k', 'torn')]))).toBe('unknown_topic')
    expect(await log.readToEnd(topic)).toEqual([])
    await (await log.producer()).send([record(topic, 0, 'k', 'after')])
    expect(texts(await log.readToEnd(topic))).toEqual(['after'])
  })

  test('are refused once a newer owner has the id', async () => {
    const logs = [open(connect), open(connect)] as const
    const topic = await createTopic(logs[0], 1)
    const fenceId = newName()
    const older = await logs[0].fencedProducer(fenceId)
    await older.commit([record(topic, 0, 'k', 'older')])
    const newer = await logs[1].fencedProducer(fenceId)
    expect(await codeOf(older.commit([record(topic, 0, 'k', 'zombie')]))).toBe('fenced')
    expect(await codeOf(older.send([record(topic, 0, 'k', 'zombie')]))).not.toBe(undefined)
    await newer.commit([record(topic, 0, 'k', 'newer')])
    expect(texts(await logs[0].readToEnd(topic))).toEqual(['older', 'newer'])
  })

  test('with different ids do not disturb each other', async () => {
    const log = open(connect)
    const topic = await createTopic(log, 2)
    const owners = await Promise.all(range(2).map(() => log.fencedProducer(newName())))
    await Promise.all(owners.map((owner, i) => owner.commit([record(topic, i, 'k', `${i}`)])))
    expect(texts(await log.readToEnd(topic)).sort()).toEqual(['0', '1'])
  })
}

function open(connect: () => Log): Log {
  const log = connect()
  onTestFinished(() => log.close())
  return log
}

interface Seen {
  readonly consumption: Consumption
  readonly records: LogRecord[]
  readonly batches: RecordBatch[]
  readonly fatal: Error[]
  /** Partitions of each topic after the last assignment. */
  assigned(): number[][]
}

interface ConsumeAll {
  readonly topics: readonly string[]
  readonly group: string
  readonly from?: 'earliest' | 'latest'
  onBatch?(batch: RecordBatch, context: BatchContext): Promise<void>
}

/** A consumer that keeps every record of a batch that `onBatch` did not refuse. */
async function consumeAll(log: Log, { topics, group, from = 'earliest', onBatch }: ConsumeAll): Promise<Seen> {
  const records: LogRecord[] = []
  const batches: RecordBatch[] = []
  const fatal: Error[] = []
  let assignment: ReadonlyMap<string, readonly number[]> = new Map()
  const consumption = await log.consume({
    group,
    topics,
    from,
    onAssignment: (partitions) => {
      assignment = partitions
    },
    onBatch: async (batch, context) => {
      await onBatch?.(batch, context)
      records.push(...batch.records)
      batches.push(batch)
    },
    onFatal: (error) => fatal.push(error),
  })
  onTestFinished(() => consumption.stop())
  const assigned = () => topics.map((topic) => (assignment.get(topic) ?? []).toSorted((a, b) => a - b))
  return { consumption, records, batches, fatal, assigned }
}

async function followAll(log: Log, topics: readonly string[], from: 'earliest' | 'latest', failure?: () => Error | undefined) {
  const records: LogRecord[] = []
  const fatal: Error[] = []
  const onBatch = async (batch: RecordBatch) => {
    const error = failure?.()
    if (error) throw error
    records.push(...batch.records)
  }
  const consumption = await log.follow({ topics, from, onBatch, onFatal: (error) => fatal.push(error) })
  onTestFinished(() => consumption.stop())
  return { records, fatal, consumption }
}

async function createTopic(log: Log, partitions: number, cleanup: Cleanup = 'delete'): Promise<string> {
  const topic = newName()
  await log.ensureTopics([{ topic, partitions, cleanup, retentionMs: cleanup === 'delete' ? 3_600_000 : undefined }])
  return topic
}

function newName(): string {
  return `contract-${randomUUID()}`
}

function record(topic: string, partition: number, key: string | null, value: string): OutgoingRecord {
  return { topic, partition, key: key === null ? null : Buffer.from(key), value: Buffer.from(value) }
}

function texts(records: readonly LogRecord[]): string[] {
  return records.map((each) => Buffer.from(each.value ?? '').toString())
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i)
}

/** The code that a promise was rejected with; undefined when it was not. */
async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(LogError)
    return (error as LogError).code
  }
}
