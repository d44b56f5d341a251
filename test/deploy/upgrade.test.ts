/**
 * An upgrade as `helm upgrade` makes one: the services of the release before write their state to a real Kafka and stop in order, those of
 * this tree take it over. What was learned stays learned, what was told is not told again, and what was open ends under its name.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type SlackTestReceiver, startSlackReceiver } from '@lapwing/alerter/testing/slack-receiver'
import { decode } from '@lapwing/contracts/codec'
import type { Notification } from '@lapwing/contracts/records'
import { sortedLabels } from '@lapwing/contracts/series'
import { seriesStates } from '@lapwing/contracts/series-state'
import { topicName } from '@lapwing/contracts/topics'
import { startTestBroker, type TestBroker } from '@lapwing/kafka-server/test-broker'
import type { WriteSeries } from '@lapwing/prometheus/remote-write-encoder'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import type { Log } from '@lapwing/stream/log'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { readOutcome } from '../faults/checker/outcome.ts'
import { groupLag, readTopics } from '../faults/checker/read-topics.ts'
import { createSender } from '../faults/harness/sender.ts'
import { type ServiceProcess, startService } from '../faults/harness/service-process.ts'
import { partitions, roundOf, rounds, stepMs } from '../faults/harness/workload.ts'
import { type ReleaseTree, releaseBefore, unpackRelease } from './release-tree.ts'
import { absentTools } from './tools.ts'

const here = fileURLToPath(new URL('../../', import.meta.url))
const before = releaseBefore(process.env)
const absent = absentTools('the upgrade', ['git', 'tar', 'java'])
if (!before) process.stderr.write('skipped: the upgrade needs a release before: a tag v*, or LAPWING_UPGRADE_FROM=<commit>\n')

const mains = {
  ingestor: 'services/ingestor/src/main.ts',
  detector: 'services/detector/src/main.ts',
  trainer: 'services/detector/src/trainer/main.ts',
  drift: 'services/drift/src/main.ts',
  alerter: 'services/alerter/src/main.ts',
  reporter: 'services/reporter/src/main.ts',
} as const
type ServiceName = keyof typeof mains
type Services = ReadonlyMap<ServiceName, ServiceProcess>

const prefix = 'upgrade'
const upgradeAtRound = 250
const takeovers = 'lapwing_state_takeovers_total'

/** A series whose episode is open while the release changes. */
function longExcursion(round: number, startMs: number): WriteSeries {
  const usual = 10 + Math.sin(round / 7) + Math.sin(12.9 * round) / 3
  return {
    labels: sortedLabels([
      ['__name__', 'load'],
      ['instance', 'host-over-the-upgrade'],
    ]),
    timestampsMs: [startMs + round * stepMs],
    values: [round >= upgradeAtRound - 5 && round < upgradeAtRound + 5 ? usual + 80 : usual],
    flags: [0],
  }
}

describe.skipIf(!before || absent.length > 0)(`an upgrade from ${before ?? 'the release before'}`, () => {
  /** Late enough for the ingestor to take it, and so early that the excursion has begun when the first half is sent. */
  let startMs: number
  let release: ReleaseTree
  let broker: TestBroker
  let slack: SlackTestReceiver
  let log: Log
  let admin: Admin
  let data: string
  let running: Services = new Map()
  /** Next offset of each partition of the scores. */
  let scoredBefore: readonly bigint[]
  let openBefore: ReadonlySet<string>

  beforeAll(async () => {
    release = unpackRelease(before!)
    data = await mkdtemp(join(tmpdir(), 'lapwing-upgrade-'))
    slack = await startSlackReceiver()
    broker = await startTestBroker(process.env)
    const { brokers } = broker.server
    log = createKafkaLog({ brokers, clientId: 'upgrade', logger: silent })
    admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 10 } }).admin()
    await admin.connect()
  })

  afterAll(async () => {
    for (const service of running.values()) service.signal('SIGKILL')
    await admin?.disconnect()
    await log?.close()
    await broker?.remove()
    await slack?.stop()
    release?.remove()
    if (data) await rm(data, { recursive: true, force: true })
  })

  test('begins with the release before: it learns, opens episodes, tells of them, and stops in order', async () => {
    running = await startServices(release.folder)
    startMs = Math.floor(Date.now() / stepMs) * stepMs - 280 * stepMs
    await send(0, upgradeAtRound)
    await settled()
    await eventually(() => slack.taken().length > 0, { what: 'somebody is told', deadlineMs: 60_000 })
    const exits = await Promise.all([...running.values()].map((service) => service.stop()))
    expect(exits.map(({ code }) => code)).toEqual(exits.map(() => 0))
    scoredBefore = (await log.offsets(topicName(prefix, 'scores'))).map(({ next }) => next)
    openBefore = await openEpisodes()
    expect(openBefore.size).toBeGreaterThan(0)
  })

  test('has every partition taken over with its state, by every service', async () => {
    running = await startServices(here)
    // A partition is taken over with its first record.
    await send(upgradeAtRound, rounds)
    await settled()
    for (const name of ['detector', 'drift'] as const) {
      expect(await metric(name, takeovers, 'outcome="restored"'), running.get(name)!.output()).toBe(partitions)
    }
    for (const name of ['detector', 'drift', 'trainer'] as const) {
      for (const outcome of ['damaged', 'gap'])
        expect(await metric(name, takeovers, `outcome="${outcome}"`), `${name} ${outcome}`).toBe(0)
    }
    expect(await metric('alerter', 'lapwing_alert_state_damaged_total')).toBe(0)
  })

  test('goes on scoring where it was: no sample is lost or learned twice, no series warms up again', async () => {
    const outcome = readOutcome(await readTopics(log, prefix))
    expect(outcome.unanswered).toEqual([])
    expect(outcome.conflicting).toEqual([])
    expect(outcome.counted).toEqual(new Map())
    expect(outcome.learned.size).toBe(outcome.onTopic.size)
    expect(outcome.repeatedScores).toBe(0)
    const states = await statesSince(scoredBefore)
    expect(states).toContain('ok')
    expect(states).not.toContain('warming')
    expect(states).not.toContain('warming_from_cohort')
  })

  test('ends what was open under its name, and opens nothing twice', async () => {
    const records = (await log.readToEnd(topicName(prefix, 'anomalies'))).map(({ value }) => decode('Anomaly', value!))
    const ids = records.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const opened = records.filter(({ state }) => state === 'open').map(({ episodeId }) => episodeId)
    expect(new Set(opened).size).toBe(opened.length)
    const ended = new Set(records.filter(({ state }) => state === 'resolved').map(({ episodeId }) => episodeId))
    expect([...openBefore].filter((episode) => !ended.has(episode))).toEqual([])
  })

  test('tells nobody twice, and everybody that it is over', async () => {
    const slackWasTold = async (state: Notification['state']) =>
      (await log.readToEnd(topicName(prefix, 'notifications')))
        .map(({ value }) => decode('Notification', value!))
        .filter((told) => told.outcome === 'delivered' && told.receiver === 'slack' && told.state === state)
        .map(({ alertId, severity }) => `${alertId} ${severity}`)
    const firing = await slackWasTold('firing')
    expect(firing.length).toBeGreaterThan(0)
    expect(new Set(firing).size).toBe(firing.length)
    const isOver = (resolved: readonly string[]) => firing.every((told) => resolved.includes(told))
    await eventually(async () => isOver(await slackWasTold('resolved')), {
      what: 'Slack is told of every end',
      deadlineMs: 60_000,
    })
  })

  test('keeps the history of the page', async () => {
    const url = await running.get('reporter')!.ready
    await eventually(
      async () => {
        const answers = [...openBefore].map(async (episode) => (await fetch(`${url}/api/v1/anomalies/${episode}`)).ok)
        return (await Promise.all(answers)).every(Boolean)
      },
      { what: 'the page has the episodes from before', deadlineMs: 60_000 },
    )
  })

  /** Those that the release has, all ready. */
  async function startServices(folder: string): Promise<Services> {
    const names = (Object.keys(mains) as ServiceName[]).filter((name) => existsSync(join(folder, mains[name])))
    const started = new Map(names.map((name) => [name, startService({ folder, main: mains[name], ...settingsOf(name) })]))
    await Promise.all([...started.values()].map(({ ready }) => ready))
    return started
  }

  function settingsOf(name: ServiceName) {
    const settings = [
      `${name}.port=0`,
      `kafka.partitions=${partitions}`,
      `kafka.topic_prefix=${prefix}`,
      'detector.window_minutes=5',
    ]
    const folder = name === 'reporter' ? [`reporter.data_dir=${data}`] : []
    return {
      settings: [...settings, ...folder].filter((set) => !set.startsWith('detector.') || name === 'detector'),
      environment: { KAFKA_BROKERS: broker.server.brokers.join(','), LAPWING__ALERTER__SLACK_WEBHOOK_URL: slack.url },
    }
  }

  async function send(from: number, to: number): Promise<void> {
    const url = await running.get('ingestor')!.ready
    const sender = createSender(() => url)
    for (let round = from; round < to; round++) await sender.send([...roundOf(round, startMs), longExcursion(round, startMs)])
  }

  /** Everything is scored, and what came of it has gone through those who read it. */
  async function settled(): Promise<void> {
    const readers = [
      ['detector', 'samples'],
      ['drift', 'scores'],
      ['alerter-series', 'anomalies'],
    ] as const
    for (const [group, topic] of readers) {
      await eventually(async () => (await groupLag(log, admin, `${prefix}-${group}`, topicName(prefix, topic))) === 0n, {
        what: `${group} has read ${topic}`,
        deadlineMs: 120_000,
      })
    }
  }

  async function openEpisodes(): Promise<Set<string>> {
    const open = new Set<string>()
    for (const { value } of await log.readToEnd(topicName(prefix, 'anomalies'))) {
      const { episodeId, state } = decode('Anomaly', value!)
      if (state === 'resolved') open.delete(episodeId)
      else open.add(episodeId)
    }
    return open
  }

  /** States of the series after each sample, from these offsets of the scores on. */
  async function statesSince(offsets: readonly bigint[]): Promise<Set<string>> {
    const records = (await log.readToEnd(topicName(prefix, 'scores'))).filter(
      ({ partition, offset }) => offset >= offsets[partition]!,
    )
    return new Set(records.flatMap(({ value }) => [...decode('ScoreBatch', value!).states].map((state) => seriesStates[state]!)))
  }

  /** Value of the series of a counter that has this label; undefined while it is not there. */
  async function metric(service: ServiceName, name: string, label = ''): Promise<number | undefined> {
    const url = await running.get(service)!.ready
    const page = (await (await fetch(`${url}/metrics`)).text()).split('\n')
    const line = page.find((candidate) => candidate.startsWith(name) && candidate.includes(label))
    return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')))
  }
})

const silent = { debug: () => {}, warn: () => {}, error: () => {} }
