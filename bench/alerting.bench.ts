/**
 * `alerting/latency-p99`: from an anomaly record on Kafka to the request at Slack, the alerter a process of its own on the same machine as
 * its broker. A hundred incidents of three teams, each team with a route and a webhook of its own and its incidents further apart than
 * the second that Slack asks for between two messages, while 200 records a second come that are below the least severity and whose
 * outcomes are written all the same. From the time at which the broker is handed the record to that at which the receiver has the request
 * whole. About a minute.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { anomalyRecord } from '@lapwing/alerter/testing/anomalies'
import { type SlackTestReceiver, startSlackReceiver } from '@lapwing/alerter/testing/slack-receiver'
import { encode } from '@lapwing/contracts/codec'
import type { Anomaly } from '@lapwing/contracts/records'
import { topicName } from '@lapwing/contracts/topics'
import type { Producer } from '@lapwing/stream/log'
import type { Benches, Figure } from './figure.ts'
import { startServices } from './service-processes.ts'
import { quantile } from './write-load.ts'

export const benches: Benches = { 'alerting/latency-p99': latencyP99 }

const partitions = 8
const longestWaitMs = 30_000
const incidents = 100
/** Of these the processes are still reading code and opening connections. */
const warmUps = 15
/** Each with its incidents, one after the other. */
const teams = ['blue', 'green', 'red'] as const
/** After a message of a team: longer than the second that the alerter keeps between two, and never the same, so that records meet its loops in every phase. */
const shortestPauseMs = 1250
const pauseSpreadMs = 300
const backgroundEveryMs = 50
const backgroundAtATime = 10

async function latencyP99(): Promise<Figure> {
  const slack = await startSlackReceiver()
  const services = await startServices(['alerter'], partitions, settingsFor(slack.url))
  const producer = await services.log.producer()
  const ending = new AbortController()
  const background = sendQuiet(producer, ending.signal)
  try {
    const perTeam = Math.ceil((warmUps + incidents) / teams.length)
    const latenciesMs = await Promise.all(teams.map((_, team) => tellTeam(team, perTeam, producer, slack)))
    const counted = latenciesMs.flatMap((ofTeam) => ofTeam.slice(warmUps / teams.length))
    const [median, most] = [quantile(counted, 0.5), quantile(counted, 0.9)]
    process.stderr.write(`from anomaly record to Slack: half within ${median} ms, nine of ten within ${most} ms\n`)
    return { bench: 'alerting/latency-p99', value: quantile(counted, 0.99), unit: 'ms' }
  } finally {
    ending.abort()
    await background
    await producer.close()
    await services.close()
    await slack.stop()
  }
}

/** A route and a webhook for each team. */
function settingsFor(webhookUrl: string): string[] {
  const receivers = teams.map((name) => ({ name, slack_webhook_url: webhookUrl }))
  const routes = teams.map((name) => ({ name, receiver: name, matchers: [`instance=~"${name}-.*"`] }))
  return [`alerter.receivers=${JSON.stringify(receivers)}`, `alerter.route=${JSON.stringify({ routes })}`]
}

/** Incidents of a team one after the other. Returns how long each took to arrive. */
async function tellTeam(team: number, count: number, producer: Producer, slack: SlackTestReceiver): Promise<number[]> {
  const latenciesMs: number[] = []
  for (let i = 0; i < count; i++) {
    const machine = `${teams[team]}-incident-${i}`
    const sentAtMs = Date.now()
    await send(producer, (i * teams.length + team) % partitions, [incident(machine)])
    latenciesMs.push((await arrival(slack, machine)) - sentAtMs)
    await delay(shortestPauseMs + (((i * teams.length + team) * 137) % pauseSpreadMs))
  }
  return latenciesMs
}

/** When the message about a machine arrived. Rejects when it does not. */
async function arrival(slack: SlackTestReceiver, machine: string): Promise<number> {
  const givenUpAtMs = Date.now() + longestWaitMs
  let looked = 0
  while (Date.now() < givenUpAtMs) {
    const found = slack.received.slice(looked).find(({ message }) => JSON.stringify(message.blocks).includes(machine))
    if (found) return found.atMs
    looked = slack.received.length
    await delay(1)
  }
  throw new Error(`no message about ${machine} within ${longestWaitMs} ms`)
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

function incident(machine: string): Anomaly {
  return ofMachine(machine, { id: machine, severity: 'warning' })
}

function quiet(i: number): Anomaly {
  return ofMachine(`${teams[i % teams.length]}-quiet-${i % 500}`, { id: `quiet-${i}`, severity: 'info' })
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
