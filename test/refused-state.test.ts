/**
 * The settings of the detector change while an episode is open whose beginning is no longer on the log, on real processes and a real Kafka:
 * nobody could end it by seeing the series normal again, and yet Slack, and the page, hear that it is over, once and with the reason.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type SlackTestReceiver, startSlackReceiver } from '@lapwing/alerter/testing/slack-receiver'
import { decode } from '@lapwing/contracts/codec'
import type { Anomaly, Notification } from '@lapwing/contracts/records'
import { sortedLabels } from '@lapwing/contracts/series'
import { topicName } from '@lapwing/contracts/topics'
import { startTestBroker, type TestBroker } from '@lapwing/kafka-server/test-broker'
import type { WriteSeries } from '@lapwing/prometheus/remote-write-encoder'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import type { Log } from '@lapwing/stream/log'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { createSender } from './faults/harness/sender.ts'
import { type ServiceProcess, startService } from './faults/harness/service-process.ts'

const prefix = 'refused'
const partitions = 1
const stepMs = 1000
/** The excursion begins some rounds before the settings change, and is over when they have. */
const changeAtRound = 250
const rounds = 290
const startMs = Math.floor(Date.now() / stepMs) * stepMs - 280 * stepMs

const silent = { debug: () => {}, warn: () => {}, error: () => {} }
const running: ServiceProcess[] = []
let broker: TestBroker
let slack: SlackTestReceiver
let log: Log
let data: string
let ingestorUrl: string
let reporterUrl: string

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'lapwing-refused-'))
  slack = await startSlackReceiver()
  broker = await startTestBroker(process.env)
  log = createKafkaLog({ brokers: broker.server.brokers, clientId: 'refused', logger: silent })
  const [ingestor, , reporter] = ['ingestor', 'alerter', 'reporter'].map((name) => start(name))
  ingestorUrl = await ingestor!.ready
  reporterUrl = await reporter!.ready
})

afterAll(async () => {
  for (const service of running) service.signal('SIGKILL')
  await log?.close()
  await broker?.remove()
  await slack?.stop()
  if (data) await rm(data, { recursive: true, force: true })
})

test('an episode that nobody can see the end of any more is ended once, for Slack and on the page', async () => {
  const before = start('detector', 'detector.window_minutes=5')
  await before.ready
  await send(0, changeAtRound)
  await eventually(async () => (await toldSlack('firing')).length > 0, { what: 'Slack is told', deadlineMs: 240_000 })
  const { code } = await before.stop()
  expect(code).toBe(0)
  const opened = await anomalies()
  expect(opened.filter(({ state }) => state === 'resolved')).toEqual([])
  const [episodeId] = new Set(opened.map((record) => record.episodeId))
  await deleteSamples()

  const after = start('detector', 'detector.window_minutes=7')
  await after.ready
  await send(changeAtRound, rounds)
  await eventually(async () => (await toldSlack('resolved')).length > 0, { what: 'Slack hears of the end', deadlineMs: 240_000 })

  expect(after.lines()).toContainEqual(
    expect.objectContaining({ reason: 'config', msg: expect.stringMatching(/^state not usable/) }),
  )
  const news = (await anomalies()).slice(opened.length)
  expect(news).toMatchObject([{ episodeId, state: 'resolved', endReason: 'began_anew' }])
  expect((await toldSlack('firing')).map(({ reason }) => reason)).toEqual(expect.arrayContaining(['new']))
  expect(await toldSlack('resolved')).toMatchObject([{ alertId: episodeId, reason: 'began_anew' }])
  expect(slack.taken().at(-1)!.text).toMatch(/^🟢 Resolved: load is no longer followed as unusual: its detector began anew/)
  await eventually(async () => (await onThePage(episodeId!)) === 'resolved', {
    what: 'the page shows the end',
    deadlineMs: 240_000,
  })
})

/** A load that is usual but for some rounds before the change. */
function roundOf(round: number): WriteSeries[] {
  const usual = 10 + Math.sin(round / 7) + Math.sin(12.9 * round) / 3
  return [
    {
      labels: sortedLabels([
        ['__name__', 'load'],
        ['instance', 'host-1'],
      ]),
      timestampsMs: [startMs + round * stepMs],
      values: [round >= changeAtRound - 5 && round < changeAtRound + 1 ? usual + 80 : usual],
      flags: [0],
    },
  ]
}

async function send(from: number, to: number): Promise<void> {
  const sender = createSender(() => ingestorUrl)
  for (let round = from; round < to; round++) await sender.send(roundOf(round))
}

function start(name: string, ...settings: readonly string[]): ServiceProcess {
  const service = startService({
    main: `services/${name}/src/main.ts`,
    settings: [
      ...[`${name}.port=0`, `kafka.partitions=${partitions}`, `kafka.topic_prefix=${prefix}`, ...settings],
      ...(name === 'reporter' ? [`reporter.data_dir=${data}`] : []),
    ],
    environment: { KAFKA_BROKERS: broker.server.brokers.join(','), LAPWING__ALERTER__SLACK_WEBHOOK_URL: slack.url },
  })
  running.push(service)
  return service
}

/** As retention does with what is older than two days. */
async function deleteSamples(): Promise<void> {
  const topic = topicName(prefix, 'samples')
  const admin = new Kafka({ brokers: [...broker.server.brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const offsets = (await log.offsets(topic)).map(({ next }, partition) => ({ partition, offset: String(next) }))
  // kafkajs asks for the leaders of partitions before it has learned of the topic.
  await admin.fetchTopicOffsets(topic)
  await admin.deleteTopicRecords({ topic, partitions: offsets })
  await admin.disconnect()
}

async function anomalies(): Promise<Anomaly[]> {
  return (await log.readToEnd(topicName(prefix, 'anomalies'))).map(({ value }) => decode('Anomaly', value!))
}

async function toldSlack(state: Notification['state']): Promise<Notification[]> {
  return (await log.readToEnd(topicName(prefix, 'notifications')))
    .map(({ value }) => decode('Notification', value!))
    .filter((told) => told.outcome === 'delivered' && told.receiver === 'slack' && told.state === state)
}

async function onThePage(episodeId: string): Promise<string | undefined> {
  const answer = await fetch(`${reporterUrl}/api/v1/anomalies/${episodeId}`)
  return answer.ok ? ((await answer.json()) as { anomaly: { state: string } }).anomaly.state : undefined
}
