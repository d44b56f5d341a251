/**
 * `alerting/latency-p99`: from an anomaly record on Kafka to the request at Slack, the alerter a process of its own on the same machine as
 * its broker. A hundred incidents, further apart than the second that Slack asks for between two messages, while 200 records a second
 * come that are below the least severity and whose outcomes are written all the same. From the time at which the broker is handed
 * the record to that at which the receiver has the request whole.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { anomalyRecord } from '@lapwing/alerter/testing/anomalies'
import { startSlackReceiver } from '@lapwing/alerter/testing/slack-receiver'
import { encode } from '@lapwing/contracts/codec'
import type { Anomaly } from '@lapwing/contracts/records'
import { topicName } from '@lapwing/contracts/topics'
import type { Producer } from '@lapwing/stream/log'
import type { Benches, Figure } from './figure.ts'
import { startServices } from './service-processes.ts'
import { quantile } from './write-load.ts'

export const benches: Benches = { 'alerting/latency-p99': latencyP99 }

const partitions = 8
const incidents = 100
const warmUps = 5
/** After a message: longer than the second that the alerter keeps between two, and never the same, so that records meet its loops in every phase. */
const shortestPauseMs = 1250
const pauseSpreadMs = 300
const backgroundEveryMs = 50
const backgroundAtATime = 10

async function latencyP99(): Promise<Figure> {
  const slack = await startSlackReceiver()
  const services = await startServices(['alerter'], partitions, [`alerter.slack_webhook_url=${slack.url}`])
  const producer = await services.log.producer()
  const ending = new AbortController()
  const background = sendQuiet(producer, ending.signal)
  try {
    const latenciesMs: number[] = []
    for (let i = 0; i < warmUps + incidents; i++) {
      const sentAtMs = Date.now()
      await send(producer, i % partitions, [incident(i)])
      while (slack.received.length <= i) await delay(1)
      if (i >= warmUps) latenciesMs.push(slack.received[i]!.atMs - sentAtMs)
      await delay(shortestPauseMs + ((i * 137) % pauseSpreadMs))
    }
    const [median, most] = [quantile(latenciesMs, 0.5), quantile(latenciesMs, 0.9)]
    process.stderr.write(`from anomaly record to Slack: half within ${median} ms, nine of ten within ${most} ms\n`)
    return { bench: 'alerting/latency-p99', value: quantile(latenciesMs, 0.99), unit: 'ms' }
  } finally {
    ending.abort()
    await background
    await producer.close()
    await services.close()
    await slack.stop()
  }
}

async function sendQuiet(producer: Producer, ending: AbortSignal): Promise<void> {
  for (let i = 0; !ending.aborted; i++) {
    const records = Array.from({ length: backgroundAtATime }, (_, j) => quiet(i * backgroundAtATime + j))
    await send(producer, i % partitions, records)
    await delay(backgroundEveryMs)
  }
}

function send(producer: Producer, partition: number, anomalies: readonly Anomaly[]): Promise<void> {
  const topic = topicName('lapwing', 'anomalies')
  return producer.send(
    anomalies.map((anomaly) => ({ topic, partition, key: Buffer.from(anomaly.entityKey), value: encode('Anomaly', anomaly) })),
  )
}

function incident(i: number): Anomaly {
  return ofMachine(`machine-${i}`, { id: `incident-${i}`, severity: 'warning' })
}

function quiet(i: number): Anomaly {
  return ofMachine(`quiet-${i % 500}`, { id: `quiet-${i}`, severity: 'info' })
}

/** An episode of a series of its own, on this machine. */
function ofMachine(machine: string, { id, severity }: Pick<Anomaly, 'id' | 'severity'>): Anomaly {
  const labels = [
    { name: '__name__', value: 'node_load1' },
    { name: 'instance', value: machine },
  ]
  return anomalyRecord({
    id,
    severity,
    labels,
    episodeId: id,
    seriesKey: id,
    startedAtMs: Date.now() - 1000,
    observedAtMs: Date.now(),
  })
}
