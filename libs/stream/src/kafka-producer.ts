/**
 * Producers on kafkajs: idempotent, acknowledged by all in-sync replicas, one send at a time.
 *
 * kafkajs takes sequence numbers back when a send fails. Were another send to use them, a broker that did have the first one
 * would take the second for a repetition, acknowledge it and drop it. Hence sends wait for each other, retries included, and
 * a producer whose send failed is replaced. For the same reason a fenced producer is finished after any failure: what became of
 * its transaction is not known, and a new one has to be opened, which also asks the log whether the id is still ours.
 */
import { type Kafka, type Producer as KafkaProducer, Partitioners, type TopicMessages, type Transaction } from 'kafkajs'
import { LogError } from './errors.ts'
import { toLogError } from './kafka-errors.ts'
import { toPortions } from './kafka-records.ts'
import type { FencedProducer, OutgoingRecord, Producer } from './log.ts'

/** Partitions of a topic; rejects with `unknown_topic`. */
export type PartitionCount = (topic: string) => Promise<number>

export async function openProducer(kafka: Kafka, partitionCount: PartitionCount): Promise<Producer> {
  const inTurn = createTurns()
  let isClosed = false
  let current: KafkaProducer | undefined = await connect(kafka, undefined)
  const sendNow = async (records: readonly OutgoingRecord[]) => {
    if (isClosed) throw new LogError('closed')
    await refuseUnlessPartitionsExist(records, partitionCount)
    current ??= await connect(kafka, undefined)
    const producer = current
    try {
      for (const topicMessages of toPortions(records)) await producer.sendBatch({ acks: allReplicas, topicMessages })
    } catch (error) {
      current = undefined
      discard(producer)
      throw toLogError(error)
    }
  }
  return {
    send: (records) => inTurn(() => sendNow(records)),
    close: () =>
      inTurn(async () => {
        isClosed = true
        await current?.disconnect()
        current = undefined
      }),
  }
}

export async function openFencedProducer(kafka: Kafka, fenceId: string, partitionCount: PartitionCount): Promise<FencedProducer> {
  const inTurn = createTurns()
  const producer = await connect(kafka, fenceId)
  let refusal: LogError | undefined
  await takeOver(producer)
  const commitNow = async (records: readonly OutgoingRecord[]) => {
    if (refusal) throw refusal
    await refuseUnlessPartitionsExist(records, partitionCount)
    try {
      await commitOne(producer, toPortions(records))
    } catch (error) {
      const failure = toLogError(error)
      refusal =
        failure.code === 'fenced' ? failure : new LogError('closed', `its last transaction failed: ${failure.message}`, failure)
      discard(producer)
      throw failure
    }
  }
  const commit = (records: readonly OutgoingRecord[]) => inTurn(() => commitNow(records))
  const close = () =>
    inTurn(async () => {
      refusal ??= new LogError('closed')
      await producer.disconnect()
    })
  return { send: commit, commit, close }
}

const allReplicas = -1
/** An owner that dies within a transaction hides later records of those partitions from readers for at most this long. */
const transactionTimeoutMs = 15_000

async function connect(kafka: Kafka, transactionalId: string | undefined): Promise<KafkaProducer> {
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
    idempotent: true,
    maxInFlightRequests: 1,
    transactionTimeout: transactionTimeoutMs,
    retry: { retries: 7 },
    ...(transactionalId === undefined ? {} : { transactionalId }),
  })
  try {
    await producer.connect()
    return producer
  } catch (error) {
    discard(producer)
    throw toLogError(error)
  }
}

/** Bumps the epoch of the id, which aborts what an older owner left open: kafkajs does so at the first transaction. */
async function takeOver(producer: KafkaProducer): Promise<void> {
  try {
    await (await producer.transaction()).abort()
  } catch (error) {
    discard(producer)
    throw toLogError(error)
  }
}

async function commitOne(producer: KafkaProducer, portions: readonly TopicMessages[][]): Promise<void> {
  const transaction = await producer.transaction()
  try {
    for (const topicMessages of portions) await transaction.sendBatch({ acks: allReplicas, topicMessages })
  } catch (error) {
    await abortQuietly(transaction)
    throw error
  }
  await transaction.commit()
}

/** The first error is the one that tells; if the abort fails too, the log aborts after `transactionTimeoutMs`. */
async function abortQuietly(transaction: Transaction): Promise<void> {
  await transaction.abort().catch(() => undefined)
}

/** Not waited for: it may be what does not answer. Nothing depends on how its connections end. */
function discard(producer: KafkaProducer): void {
  producer.disconnect().catch(() => undefined)
}

/** kafkajs drops records for a partition that does not exist and acknowledges the others. */
async function refuseUnlessPartitionsExist(records: readonly OutgoingRecord[], partitionCount: PartitionCount): Promise<void> {
  for (const { topic, partition } of records) {
    const count = await partitionCount(topic)
    if (!Number.isInteger(partition) || partition < 0 || partition >= count) {
      throw new LogError('partition_mismatch', `${topic} has ${count} partitions, none is number ${partition}`)
    }
  }
}

/** Runs what it is given one after the other, whatever becomes of the one before. */
function createTurns(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const turn = last.then(work, work)
    last = turn
    return turn
  }
}
