/**
 * Producers on kafkajs: idempotent, acknowledged by all in-sync replicas, one request at a time.
 *
 * kafkajs takes sequence numbers back when a send fails. Were another send to use them, a broker that did have the first one
 * would take the second for a repetition, acknowledge it and drop it. Hence sends wait for each other, retries included, and
 * a producer whose send failed is replaced. What waits meanwhile goes out together: under load, requests grow instead of queueing, and
 * nobody waits for a timer when there is none. For the same reason a fenced producer is finished after any failure: what became of
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
  const sendTogether = async (records: readonly OutgoingRecord[]) => {
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
  const waiting: WaitingSend[] = []
  const sendWaiting = async () => {
    const sends = await onlySendable(takeGroup(waiting), isClosed, partitionCount)
    try {
      await sendTogether(sends.flatMap(({ records }) => records))
      for (const { resolve } of sends) resolve()
    } catch (error) {
      // Only one of them may be at fault.
      if (sends.length > 1 && !(error as LogError).retryable)
        for (const one of sends) await settle(one, sendTogether(one.records))
      else for (const { reject } of sends) reject(error as Error)
    }
  }
  return {
    send: (records) =>
      new Promise((resolve, reject) => {
        waiting.push({ records, resolve, reject })
        void inTurn(async () => {
          // An earlier turn may have taken this send along.
          if (waiting.length > 0) await sendWaiting()
        })
      }),
    close: () =>
      inTurn(async () => {
        isClosed = true
        await current?.disconnect()
        current = undefined
      }),
  }
}

interface WaitingSend {
  readonly records: readonly OutgoingRecord[]
  resolve(): void
  reject(error: Error): void
}

/** Takes the sends that go out together from the queue: in order, at least one. */
function takeGroup(waiting: WaitingSend[]): WaitingSend[] {
  let bytes = 0
  let count = 0
  while (count < waiting.length && (count === 0 || bytes < groupBytes)) {
    for (const { value } of waiting[count]!.records) bytes += value?.length ?? 0
    count++
  }
  return waiting.splice(0, count)
}

/** Enough that a request's fixed cost does not matter, and few enough that the first does not wait long for the last. */
const groupBytes = 4 * 1024 * 1024

/** The sends that can be tried; the others are rejected. */
async function onlySendable(sends: WaitingSend[], isClosed: boolean, partitionCount: PartitionCount): Promise<WaitingSend[]> {
  const sendable: WaitingSend[] = []
  for (const send of sends) {
    try {
      if (isClosed) throw new LogError('closed')
      await refuseUnlessPartitionsExist(send.records, partitionCount)
      sendable.push(send)
    } catch (error) {
      send.reject(error as Error)
    }
  }
  return sendable
}

async function settle({ resolve, reject }: WaitingSend, outcome: Promise<void>): Promise<void> {
  await outcome.then(resolve, reject)
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
/**
 * As patient as others in all, and sooner at first: the broker refuses to begin a transaction while it still writes the markers of the one before
 * (CONCURRENT_TRANSACTIONS), which takes it some milliseconds and was answered with a tenth of a second of waiting.
 */
const transactionRetry = { initialRetryTime: 10, retries: 10 }

async function connect(kafka: Kafka, transactionalId: string | undefined): Promise<KafkaProducer> {
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
    idempotent: true,
    maxInFlightRequests: 1,
    transactionTimeout: transactionTimeoutMs,
    retry: { retries: 7 },
    ...(transactionalId === undefined ? {} : { transactionalId, retry: transactionRetry }),
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

async function commitOne(producer: KafkaProducer, portions: Iterable<TopicMessages[]>): Promise<void> {
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
  const counts = new Map<string, number>()
  for (const { topic, partition } of records) {
    const count = counts.get(topic) ?? (await partitionCount(topic))
    counts.set(topic, count)
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
