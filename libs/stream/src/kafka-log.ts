/**
 * The log on Kafka, through kafkajs. This library is the only importer of kafkajs, and this file puts its parts together.
 *
 * Nothing connects before it is needed, and everything opened is closed with the log. While the brokers do not answer, each call
 * rejects with a retryable error after a few seconds; consumers and followers once started wait for them. That takes two
 * `Kafka` objects, as their patience is all that kafkajs lets a group's member inherit.
 */
import { LogError } from './errors.ts'
import { briefPatience, createKafka, endlessPatience, type KafkaClientOptions } from './kafka-client.ts'
import { joinGroup } from './kafka-consume.ts'
import { followTopics } from './kafka-follow.ts'
import { openFencedProducer, openProducer } from './kafka-producer.ts'
import { KafkaReader } from './kafka-reader.ts'
import { ensureTopics } from './kafka-topics.ts'
import type { Consumption, Log, Producer } from './log.ts'

export function createKafkaLog(options: KafkaClientOptions): Log {
  const kafka = createKafka(options, briefPatience)
  const kafkaOfMembers = createKafka(options, endlessPatience)
  const { logger } = options
  const admin = kafka.admin()
  const reader = new KafkaReader(kafka)
  const partitionCount = (topic: string) => reader.partitionCount(topic)
  const consumptions = new Set<Consumption>()
  const producers = new Set<Producer>()
  let isClosed = false

  /** Remembers what was opened until it is closed, so that the log can do it if nobody else does. */
  async function open<Opened>(open: () => Promise<Opened>, among: Set<Opened>): Promise<Opened> {
    if (isClosed) throw new LogError('closed')
    const opened = await open()
    among.add(opened)
    return opened
  }
  const openConsumption = async (openOne: () => Promise<Consumption>): Promise<Consumption> => {
    const opened = await open(openOne, consumptions)
    const stop = (beforeLeaving?: () => Promise<void>) => opened.stop(beforeLeaving).finally(() => consumptions.delete(opened))
    return { lastActivityMs: opened.lastActivityMs, stop }
  }
  const openOneProducer = async <Kind extends Producer>(openOne: () => Promise<Kind>): Promise<Kind> => {
    const opened = (await open<Producer>(openOne, producers)) as Kind
    return { ...opened, close: () => opened.close().finally(() => producers.delete(opened)) }
  }
  const whileOpen = <Answer>(ask: () => Promise<Answer>) => (isClosed ? Promise.reject(new LogError('closed')) : ask())

  return {
    kind: 'kafka',
    ensureTopics: (specs) =>
      whileOpen(async () => {
        const remarks = await ensureTopics(admin, specs)
        for (const { topic } of specs) await reader.untilLed(topic)
        return remarks
      }),
    partitionCount: (topic) => whileOpen(() => reader.partitionCount(topic)),
    readToEnd: (topic, partition) => whileOpen(() => reader.readToEnd(topic, partition)),
    readRange: (topic, partition, from, to) => reader.readRange(topic, partition, from, to),
    offsets: (topic) => whileOpen(() => reader.offsets(topic)),
    producer: () => openOneProducer(() => openProducer(kafka, partitionCount)),
    fencedProducer: (fenceId) => openOneProducer(() => openFencedProducer(kafka, fenceId, partitionCount)),
    consume: (consuming) =>
      openConsumption(async () => {
        // Asked first, because a member would wait without end.
        for (const topic of consuming.topics) await reader.offsets(topic)
        return joinGroup(kafkaOfMembers, consuming, logger, () => reader.offsets(consuming.topics[0]!))
      }),
    follow: (following) => openConsumption(() => followTopics(() => new KafkaReader(kafka), following, logger)),
    close: async () => {
      isClosed = true
      // A batch in hand may still send, and a send may still ask for partitions.
      await Promise.all([...consumptions].map((consumption) => consumption.stop()))
      await Promise.all([...producers].map((producer) => producer.close()))
      await Promise.all([admin.disconnect(), reader.close()])
    },
  }
}
