/** Elections of a pair of Prometheus servers between ingestors that share a real Kafka. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { sortedLabels } from '@lapwing/contracts/series'
import { topicName } from '@lapwing/contracts/topics'
import { encodeWrite, writeHeaders } from '@lapwing/prometheus/remote-write-encoder'
import type { RunningService } from '@lapwing/service/run-service'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import type { Log } from '@lapwing/stream/log'
import { afterEach, describe, expect, inject, test } from 'vitest'
import { eventually } from '../test/eventually.ts'
import { readSamples } from '../test/read-samples.ts'
import { startedIngestor } from '../test/start-ingestor.ts'

const brokers = inject('kafkaBrokers')
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const prefix = `pairs-${randomUUID()}`
const samplesTopic = topicName(prefix, 'samples')
const sampleValue = { a: 1, b: 2 } as const
type Replica = keyof typeof sampleValue
/** Long enough for a broker that is slow to answer. */
const failoverSeconds = 10

const services: RunningService[] = []
const logs: Log[] = []
const senders: PairSender[] = []
afterEach(async () => {
  await Promise.all(senders.map((sender) => sender.stop()))
  await Promise.all(services.map((service) => service.close()))
  await Promise.all(logs.map((log) => log.close()))
})

describe.skipIf(brokers.length === 0)('a pair, on Kafka', () => {
  test('one replica is taken by both ingestors; when it dies the other is, also by one that has just come', async () => {
    const [first, second] = await Promise.all([start(), start()])
    const pair = { a: send('a', first.url), b: send('b', second.url) }
    await eventually('both are answered', () => (pair.a.answered > 10 && pair.b.answered > 10 ? true : undefined), 60_000)
    const elected = nameOf((await takenValues())[0]!)
    const other = elected === 'a' ? 'b' : 'a'
    await pair[elected].stop()
    await eventually(
      'the other is taken',
      async () => ((await takenValues()).includes(sampleValue[other]) ? true : undefined),
      90_000,
    )
    const third = await start()
    const back = send(elected, third.url)
    await eventually('who comes back is answered', () => (back.answered > 5 ? true : undefined), 60_000)
    const values = await takenValues()
    const electedLast = values.lastIndexOf(sampleValue[elected])
    expect(values.slice(0, electedLast + 1).every((value) => value === sampleValue[elected])).toBe(true)
    expect(values.slice(electedLast + 1).every((value) => value === sampleValue[other])).toBe(true)
    expect(await duplicates(third)).toBeGreaterThan(5)
    expect([pair.a.refused, pair.b.refused, back.refused]).toEqual([[], [], []])
  }, 240_000)
})

/** What was taken, in the order of the log. */
async function takenValues(): Promise<number[]> {
  return (await readSamples(logs[0]!, samplesTopic)).map(({ value }) => value)
}

async function start(): Promise<RunningService> {
  const log = createKafkaLog({ brokers: [...brokers], clientId: 'lapwing-test', logger: silent })
  logs.push(log)
  const ha = `ingestor.remote_write.ha.failover_timeout=${failoverSeconds}s`
  const service = await startedIngestor(log, [ha, `kafka.topic_prefix=${prefix}`, 'kafka.partitions=2'])
  services.push(service)
  return service
}

interface PairSender {
  /** Requests that were answered 204. */
  readonly answered: number
  /** Other answers than that and 503, after which a sender repeats. */
  readonly refused: readonly number[]
  stop(): Promise<void>
}

/** A sample every quarter of a second, until it is stopped. */
function send(replica: Replica, url: string): PairSender {
  const labels = sortedLabels([
    ['__name__', 'up'],
    ['instance', 'shop'],
    ['cluster', 'eu'],
    ['__replica__', replica],
  ])
  const refused: number[] = []
  let answered = 0
  let isStopped = false
  const sendAll = async () => {
    for (; !isStopped; await delay(250)) {
      const body = encodeWrite([{ labels, timestampsMs: [Date.now()], values: [sampleValue[replica]], flags: [0] }])
      const { status } = await fetch(`${url}/api/v1/write`, { method: 'POST', body, headers: writeHeaders })
      if (status === 204) answered++
      else if (status !== 503) refused.push(status)
    }
  }
  const sending = sendAll()
  const sender = {
    get answered() {
      return answered
    },
    refused,
    stop: () => {
      isStopped = true
      return sending
    },
  }
  senders.push(sender)
  return sender
}

function nameOf(value: number): Replica {
  return value === sampleValue.a ? 'a' : 'b'
}

async function duplicates({ url }: RunningService): Promise<number> {
  const page = await (await fetch(`${url}/metrics`)).text()
  return Number(/samples_dropped_total\{source="remote_write",reason="duplicate",.*\} (\d+)/.exec(page)?.[1] ?? 0)
}
