import { randomBytes, randomUUID } from 'node:crypto'
import { startTestBroker } from '@lapwing/kafka-server/test-broker'
import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { testLogContract } from '../testing/log-contract.ts'
import { createKafkaLog } from './kafka-log.ts'
import type { Log, LogRecord, OutgoingRecord } from './log.ts'

const brokers = inject('kafkaBrokers')
const patience = { timeout: 90_000, interval: 50 }

describe.skipIf(brokers.length === 0)('the contract', () => {
  testLogContract(() => openLog(brokers))
})

describe.skipIf(brokers.length === 0)('a topic that is compressed', () => {
  test.each(['gzip', 'snappy', 'lz4', 'zstd'])('with %s is read by every reader', async (compression) => {
    const log = openLog(brokers)
    const topic = `compressed-${randomUUID()}`
    await createTopic(topic, [{ name: 'compression.type', value: compression }])
    const producer = await log.producer()
    const values = Array.from({ length: 50 }, (_, i) => `${compression} ${i} ${'x'.repeat(5000)}`)
    await producer.send(values.map((value) => record(topic, value)))
    const [consumed, followed]: [LogRecord[], LogRecord[]] = [[], []]
    const onFatal = (error: Error) => expect.unreachable(error.message)
    const reader = { topics: [topic], from: 'earliest', onFatal } as const
    await log.consume({ ...reader, group: topic, onBatch: async ({ records }) => void consumed.push(...records) })
    await log.follow({ ...reader, onBatch: async ({ records }) => void followed.push(...records) })
    expect(texts(await log.readToEnd(topic))).toEqual(values)
    await vi.waitFor(() => expect([consumed, followed].map(texts)).toEqual([values, values]), patience)
  })
})

describe.skipIf(brokers.length === 0)('a topic with more than an answer holds', () => {
  test('is read to the end in all partitions, those too that a full answer has no room for', async () => {
    const log = openLog(brokers)
    const topic = `large-${randomUUID()}`
    await createTopic(topic, [], 8)
    const producer = await log.producer()
    // 29 MB: a partition gives 4 at a time, an answer holds 16.
    const value = randomBytes(600_000)
    for (let round = 0; round < 6; round++) {
      for (let partition = 0; partition < 8; partition++) await producer.send([{ topic, partition, key: null, value }])
    }
    expect(await log.readToEnd(topic)).toHaveLength(48)
  })
})

describe.skipIf(brokers.length === 0)('a record that is larger than its topic takes', () => {
  test('is refused by name, and the producer goes on', async () => {
    const log = openLog(brokers)
    const topic = `small-${randomUUID()}`
    await createTopic(topic, [{ name: 'max.message.bytes', value: '2000' }])
    const producer = await log.producer()
    await expect(producer.send([record(topic, 'x'.repeat(5000))])).rejects.toMatchObject({ code: 'too_large', retryable: false })
    await producer.send([record(topic, 'fits')])
    expect(texts(await log.readToEnd(topic))).toEqual(['fits'])
  })
})

describe.skipIf(brokers.length === 0)('a transaction that its owner left open', () => {
  test('is undone by the next owner of the id, who then reads to the end at once', async () => {
    const log = openLog(brokers)
    const topic = `open-${randomUUID()}`
    await createTopic(topic, [])
    const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })
    const dead = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 })
    await dead.connect()
    onTestFinished(() => dead.disconnect())
    const transaction = await dead.transaction()
    await transaction.send({ topic, messages: [{ value: 'half' }] })

    const owner = await log.fencedProducer(topic)
    expect(await log.readToEnd(topic)).toEqual([])
    await owner.commit([record(topic, 'whole')])
    expect(texts(await log.readToEnd(topic))).toEqual(['whole'])
  })
})

describe.skipIf(brokers.length === 0)('a log that is asked for many things at once', () => {
  test('leaves no connection open when it is closed, which would keep a command from ending', async () => {
    const openSockets = () => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length
    const before = openSockets()
    const log = openLog(brokers)
    const topics = Array.from({ length: 4 }, () => `many-${randomUUID()}`)
    for (const topic of topics) await createTopic(topic, [], 3)
    const producer = await log.producer()
    await producer.send(topics.map((topic) => record(topic, 'here')))
    const found = await Promise.all(topics.map((topic) => log.readToEnd(topic)))
    expect(found.map(texts)).toEqual(topics.map(() => ['here']))
    expect(openSockets()).toBeGreaterThan(before)
    await log.close()
    await vi.waitFor(() => expect(openSockets()).toBeLessThanOrEqual(before), { timeout: 30_000, interval: 50 })
  })
})

describe('while nobody answers', () => {
  test('every call rejects within seconds, with an error that says so', async () => {
    const log = openLog(['127.0.0.1:1'])
    const reader = { topics: ['t'], from: 'earliest', onBatch: async () => undefined, onFatal: () => undefined } as const
    const startMs = performance.now()
    const calls = [
      log.ensureTopics([{ topic: 't', partitions: 1, cleanup: 'delete', retentionMs: undefined }]),
      log.partitionCount('t'),
      log.offsets('t'),
      log.readToEnd('t'),
      log.producer(),
      log.fencedProducer('f'),
      log.follow(reader),
      log.consume({ ...reader, group: 'g' }),
    ]
    const unreachable = expect.objectContaining({ code: 'unreachable', retryable: true })
    expect(await Promise.allSettled(calls)).toEqual(calls.map(() => ({ status: 'rejected', reason: unreachable })))
    expect(performance.now() - startMs).toBeLessThan(30_000)
  })
})

describe.skipIf(!inject('canStartKafka'))('a broker that is killed and started again', () => {
  test('costs no acknowledged record, and every reader goes on', async () => {
    const broker = await startTestBroker(process.env)
    onTestFinished(() => broker.remove())
    const log = openLog(broker.server.brokers)
    await log.ensureTopics([{ topic: 't', partitions: 2, cleanup: 'delete', retentionMs: undefined }])
    const [consumed, followed] = [new Set<string>(), new Set<string>()]
    const fatal: Error[] = []
    const reader = { topics: ['t'], from: 'earliest', onFatal: (error: Error) => fatal.push(error) } as const
    const keep = (seen: Set<string>) => async (batch: { records: readonly LogRecord[] }) => {
      for (const text of texts(batch.records)) seen.add(text)
    }
    await log.consume({ ...reader, group: 'g', onBatch: keep(consumed) })
    await log.follow({ ...reader, onBatch: keep(followed) })
    const sender = await keepSending(log)
    await vi.waitFor(() => expect(sender.acknowledged.length).toBeGreaterThan(50), patience)
    await broker.server.kill()
    await broker.restart()
    const acknowledgedBefore = sender.acknowledged.length
    await vi.waitFor(() => expect(sender.acknowledged.length).toBeGreaterThan(acknowledgedBefore + 50), patience)
    await sender.stop()

    const stored = new Set(texts(await log.readToEnd('t')))
    expect(sender.acknowledged.filter((text) => !stored.has(text))).toEqual([])
    for (const [name, seen] of Object.entries({ consumed, followed })) {
      await vi.waitFor(() => {
        expect(fatal).toEqual([])
        expect(
          sender.acknowledged.filter((text) => !seen.has(text)),
          name,
        ).toEqual([])
      }, patience)
    }
    await log.close()
  }, 180_000)
})

function openLog(addresses: readonly string[]): Log {
  const logger = { debug: () => undefined, warn: () => undefined, error: console.error }
  const log = createKafkaLog({ brokers: addresses, clientId: 'test', logger })
  onTestFinished(() => log.close())
  return log
}

/** The contract's topics are made by the log; these need settings that it does not offer. */
async function createTopic(topic: string, configEntries: { name: string; value: string }[], numPartitions = 1): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }] })
  await admin.disconnect()
}

/** Sends one record after the other, each until it is acknowledged or refused; a refused one is given up. */
async function keepSending(log: Log) {
  const producer = await log.producer()
  const acknowledged: string[] = []
  let isStopping = false
  const finished = (async () => {
    for (let i = 0; !isStopping; i++) {
      const sending = producer.send([{ ...record('t', `${i}`), partition: i % 2 }])
      await sending.then(
        () => acknowledged.push(`${i}`),
        (error: unknown) => expect(error).toMatchObject({ retryable: true }),
      )
    }
  })()
  const stop = async () => {
    isStopping = true
    await finished
  }
  return { acknowledged, stop }
}

function record(topic: string, value: string): OutgoingRecord {
  return { topic, partition: 0, key: null, value: Buffer.from(value) }
}

function texts(records: readonly LogRecord[]): string[] {
  return records.map(({ value }) => Buffer.from(value!).toString())
}
