/** What a row works with: real processes on a real broker, the load, and a view of the topics from beside them. */
import { setTimeout as delay } from 'node:timers/promises'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { type DetectorConfig, detectorSchema } from '@lapwing/detector/config'
import { startTestBroker, type TestBroker } from '@lapwing/kafka-server/test-broker'
import type { WriteSeries } from '@lapwing/prometheus/remote-write-encoder'
import { commonSections, loadConfig } from '@lapwing/service/config'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import type { Log, LogRecord } from '@lapwing/stream/log'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { eventually } from '../../eventually.ts'
import type { Membership, TimedTakeOver } from '../checker/needless-restores.ts'
import { readOutcome } from '../checker/outcome.ts'
import { detectorLag, readTopics } from '../checker/read-topics.ts'
import type { FaultRow, Form } from './fault-row.ts'
import type { Hall } from './hall.ts'
import { membershipOf, takenOver } from './membership-lines.ts'
import { createSender, post, type Sender } from './sender.ts'
import { type LogLine, type ServiceProcess, startService } from './service-process.ts'
import type { BrokerProxy } from './toxiproxy.ts'
import { firstRoundMs, partitions, roundOf, rounds } from './workload.ts'

export interface ServiceFault {
  /** `fault:call` of `faulty-logs.ts`. */
  readonly fault?: string
  /** Stands between the service and its broker. */
  readonly proxy?: BrokerProxy
  readonly nodeFlags?: readonly string[]
}

/** Told to every process as a secret; must never be seen again. */
export const canary = 'canary-7f3a9c-not-to-be-seen'
const checkpointIntervalMs = 1000
/** A window that the load of a row can fill. */
const windowMinutes = 5

export class Rig {
  readonly prefix: string
  readonly form: Form
  readonly log: Log
  readonly admin: Admin
  readonly broker: TestBroker | undefined
  /** What the detectors are configured with, as far as it matters for a score. */
  readonly config: DetectorConfig
  readonly sender: Sender
  readonly firstRoundMs = firstRoundMs(Date.now())
  /** Every detector that was ever started, and the ingestor. */
  readonly detectors: ServiceProcess[] = []
  readonly ingestors: ServiceProcess[] = []
  /** Sample records that are no longer on their topic. */
  readonly gone: { readonly learned: LogRecord[]; readonly neverLearned: LogRecord[] } = { learned: [], neverLearned: [] }
  readonly #row: FaultRow
  readonly #hall: Hall
  readonly #brokerAddress: string
  readonly #mayEnd = new Set<ServiceProcess>()
  #writeUrl = ''
  #random: number

  private constructor(row: FaultRow, hall: Hall, broker: TestBroker | undefined) {
    this.#row = row
    this.#hall = hall
    this.broker = broker
    this.config = loadConfig(
      { ...commonSections, detector: detectorSchema },
      { environment: {}, sets: this.#detectorSettings() },
    ).detector
    this.prefix = `faults-${row.number}-${process.pid}-${Math.floor(performance.now())}`
    this.form = hall.form
    this.#random = (hall.seed + row.number) >>> 0
    this.#brokerAddress = (broker?.server.brokers ?? hall.brokers)[0]
    this.log = createKafkaLog({ brokers: [this.#brokerAddress], clientId: this.prefix, logger: silent })
    this.admin = new Kafka({ brokers: [this.#brokerAddress], logLevel: logLevel.NOTHING, retry: { retries: 10 } }).admin()
    this.sender = createSender(() => this.#writeUrl)
  }

  static async open(row: FaultRow, hall: Hall): Promise<Rig> {
    const rig = new Rig(row, hall, row.ownBroker ? await startTestBroker(process.env) : undefined)
    await rig.admin.connect()
    await rig.log.ensureTopics(topicSpecs(rig.prefix, partitions))
    return rig
  }

  topic(name: Parameters<typeof topicName>[1]): string {
    return topicName(this.prefix, name)
  }

  /** In [0, 1); the same seed and row give the same. */
  random(): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0
    return this.#random / 4294967296
  }

  startDetector(fault: ServiceFault = {}): ServiceProcess {
    const detector = this.#startService('detector', fault, this.#detectorSettings())
    this.detectors.push(detector)
    return detector
  }

  /** Resolves when it can be written to. */
  async startIngestor(fault: ServiceFault = {}): Promise<ServiceProcess> {
    const ingestor = this.#startService('ingestor', fault)
    this.ingestors.push(ingestor)
    this.#writeUrl = await ingestor.ready
    return ingestor
  }

  /** Sends a body once, past the sender. The status of the answer. */
  post(body: Buffer): Promise<string> {
    return post(`${this.#writeUrl}/api/v1/write`, body)
  }

  proxy(name: string): Promise<BrokerProxy> {
    if (!this.#hall.toxiproxy) throw new Error('there is no toxiproxy')
    return this.#hall.toxiproxy.proxy(`${this.prefix}-${name}`, Number(this.#brokerAddress.split(':')[1]))
  }

  /** From now on it is no surprise when it ends. */
  mayEnd(service: ServiceProcess): void {
    this.#mayEnd.add(service)
  }

  kill(service: ServiceProcess): void {
    this.mayEnd(service)
    service.signal('SIGKILL')
  }

  /** Waits until a line of its log has this message, beyond the first `after` of them. */
  async said(service: ServiceProcess, message: RegExp, { after = 0, deadlineMs = settleMs } = {}): Promise<LogLine> {
    return eventually(
      () => {
        const found = service.lines().filter(({ msg }) => message.test(msg))[after]
        if (!found && service.hasExited()) throw new Error(`it has ended: ${service.output().slice(-500)}`)
        return found
      },
      { what: `row ${this.#row.number}: a service says ${message}`, deadlineMs, everyMs: 50 },
    )
  }

  /** Waits until the process has taken a partition over. */
  async takesOver(service: ServiceProcess, deadlineMs = settleMs): Promise<void> {
    await this.said(service, takenOver, { deadlineMs })
  }

  /** Waits until a process that stops itself has done so. */
  async stands(service: ServiceProcess): Promise<void> {
    await eventually(() => service.isStopped(), {
      what: `row ${this.#row.number}: a service stops`,
      deadlineMs: settleMs,
      everyMs: 50,
    })
  }

  /** Waits until so many rounds are acknowledged. */
  async acknowledged(count: number): Promise<void> {
    await eventually(() => this.sender.acknowledged.length >= count, {
      what: `row ${this.#row.number}: ${count} rounds are acknowledged (${this.sender.acknowledged.length} are)`,
      deadlineMs: settleMs,
      everyMs: 20,
    })
  }

  /** Waits until the sender has been answered so. */
  async refused(status: string): Promise<void> {
    const told = () => JSON.stringify(Object.fromEntries(this.sender.refusals))
    await eventually(() => this.sender.refusals.has(status), {
      what: `row ${this.#row.number}: the sender is told ${status}`,
      deadlineMs: settleMs,
      everyMs: 50,
    }).catch((error: Error) => {
      throw new Error(`${error.message}; it was told ${told()}`)
    })
  }

  /** Waits until there are more of them than these. */
  async moreTakeOvers(before: number, deadlineMs = settleMs): Promise<void> {
    const what = `row ${this.#row.number}: another take-over than the ${before} there were`
    await eventually(() => this.takeOvers().length > before, { what, deadlineMs, everyMs: 50 })
  }

  takeOvers(): TimedTakeOver[] {
    return this.memberships().flatMap(({ takeOvers }) => takeOvers)
  }

  /** Of every detector that was ever started. */
  memberships(): Membership[] {
    return this.detectors.map(membershipOf)
  }

  /** What the services warned of and took over, in order of time, the last of it. */
  story(): string[] {
    const named = [
      ...this.detectors.map((service, number) => [`detector ${number}`, service] as const),
      ...this.ingestors.map((service, number) => [`ingestor ${number}`, service] as const),
    ]
    const told = named.flatMap(([name, service]) =>
      service
        .lines()
        .filter(isStory)
        .map((line) => [name, line] as const),
    )
    const inOrder = told.sort(([, a], [, b]) => Date.parse(a.time) - Date.parse(b.time))
    return inOrder.slice(-storyLines).map(([name, { time, msg, ...fields }]) => `${time} ${name}: ${msg} ${placeText(fields)}`)
  }

  /**
   * The load: round after round, spread over the row's time until `hurry` says so, then quickly. The last quarter goes out ten times as
   * slowly: on a slow machine the faults are late, and a fault that waits for load which is all sent would wait for ever.
   */
  async sendLoad(hurry: AbortSignal): Promise<void> {
    const paceMs = this.#row.loadMs[this.form] / rounds
    for (let round = 0; round < rounds; round++) {
      const spreadMs = round < 0.75 * rounds ? paceMs : 10 * paceMs
      const dueMs = performance.now() + (hurry.aborted ? 3 : spreadMs)
      await this.sender.send(this.round(round))
      await delay(Math.max(0, dueMs - performance.now()), undefined, { signal: hurry }).catch(() => {})
    }
  }

  round(number: number): WriteSeries[] {
    return roundOf(number, this.firstRoundMs)
  }

  /** Waits until the detectors are through: their position is at the end and nothing is unanswered, or no more answers come. */
  async settle(): Promise<void> {
    const what = `row ${this.#row.number}: the detectors are through`
    let [answers, sinceMs] = [-1n, performance.now()]
    await eventually(
      async () => {
        if ((await detectorLag(this.log, this.admin, this.prefix)) > 0n) return false
        if (readOutcome(await readTopics(this.log, this.prefix)).unanswered.length === 0) return true
        const now = (await this.log.offsets(this.topic('scores'))).reduce((sum, { next }) => sum + next, 0n)
        if (now !== answers) [answers, sinceMs] = [now, performance.now()]
        return performance.now() - sinceMs > quietMs
      },
      { what, deadlineMs: settleMs, everyMs: 500 },
    )
  }

  /**
   * One more round when several detectors live, once the group has given each its partitions: a partition that has only just moved is
   * behind in its new owner's state until a record comes, and would be so for ever when nothing is sent any more.
   */
  async closingRound(): Promise<void> {
    const living = this.detectors.filter((detector) => !detector.hasExited())
    if (living.length < 2) return
    const groupId = `${this.prefix}-detector`
    await eventually(
      async () => {
        const [group] = (await this.admin.describeGroups([groupId])).groups
        return group!.state === 'Stable' && group!.members.length === living.length
      },
      { what: `row ${this.#row.number}: the group has its ${living.length} members`, deadlineMs: settleMs, everyMs: 200 },
    )
    await this.sender.send(this.round(rounds))
    await this.settle()
  }

  /** Stops all that lives, in order. Sentences about those that had ended before, or did not end well. */
  async stopServices(): Promise<string[]> {
    const services = [...this.detectors, ...this.ingestors]
    const surprises = services
      .filter((service) => service.hasExited() && !this.#mayEnd.has(service))
      .map((service) => `I6 a process ended by itself: ${lastWords(service)}`)
    const living = services.filter((service) => !service.hasExited())
    const exits = await Promise.all(living.map((service) => service.stop()))
    const failures = living.filter((service, i) => exits[i]!.code !== 0 && !this.#mayEnd.has(service))
    return [...surprises, ...failures.map((service) => `a process did not end in order: ${lastWords(service)}`)]
  }

  async close(): Promise<void> {
    this.sender.stop()
    for (const service of [...this.detectors, ...this.ingestors]) {
      service.signal('SIGKILL')
      await service.exited
    }
    await this.admin.disconnect().catch(() => {})
    await this.log.close()
    await this.broker?.remove()
  }

  #detectorSettings(): string[] {
    const usual = [`detector.checkpoint_interval=${checkpointIntervalMs}ms`, `detector.window_minutes=${windowMinutes}`]
    return [...usual, ...(this.#row.settings ?? [])]
  }

  #startService(
    name: 'ingestor' | 'detector',
    { fault, proxy, nodeFlags }: ServiceFault,
    settings: readonly string[] = [],
  ): ServiceProcess {
    const [, brokerPort] = this.#brokerAddress.split(':')
    const preload = new URL('redirect-connections.mjs', import.meta.url).href
    return startService({
      main: fault ? `test/faults/harness/faulty-${name}.ts` : `services/${name}/src/main.ts`,
      settings: [`${name}.port=0`, `kafka.partitions=${partitions}`, `kafka.topic_prefix=${this.prefix}`, ...settings],
      environment: {
        KAFKA_BROKERS: this.#brokerAddress,
        LAPWING__INGESTOR__PROMETHEUS_BEARER_TOKEN: canary,
        LAPWING__ALERTER__SLACK_WEBHOOK_URL: `http://127.0.0.1:1/${canary}`,
        ...(fault ? { LAPWING_TEST_FAULT: fault } : {}),
        ...(proxy ? { LAPWING_TEST_REDIRECT: `${brokerPort}:${proxy.port}` } : {}),
      },
      nodeFlags: [...(nodeFlags ?? []), ...(proxy ? ['--import', preload] : [])],
    })
  }
}

/** Much longer than a session and a transaction that nobody ends: all rows run beside each other, maybe on a machine that does other things. */
const settleMs = 240_000
const quietMs = 10_000
const silent = { debug: () => {}, warn: () => {}, error: () => {} }

const storyLines = 120

function isStory({ level, msg }: LogLine): boolean {
  return level === 'warn' || level === 'error' || level === 'fatal' || takenOver.test(msg)
}

function placeText({ partition, place, silentForMs, code }: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ partition, place, silentForMs, code })
}

function lastWords(service: ServiceProcess): string {
  const last = service.lines().at(-1)
  return last ? `${last.level} ${last.msg}` : service.output().slice(-300)
}
