/** What the rows about the alerter work with: its process on a real broker, receivers, and a view of the topics from beside it. */
import { conservationBreaches, type RecordOutcome } from '@lapwing/alerting/conservation'
import type { SlackMessage } from '@lapwing/alerting/slack-message'
import { decode, encode } from '@lapwing/contracts/codec'
import type { Anomaly, Notification } from '@lapwing/contracts/records'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import type { Log } from '@lapwing/stream/log'
import { eventually } from '../../eventually.ts'
import { type ServiceProcess, startService } from '../harness/service-process.ts'

const partitions = 2
const silent = { debug: () => {}, warn: () => {}, error: () => {} }

export class AlerterWorld {
  readonly prefix: string
  readonly log: Log
  readonly sent: Anomaly[] = []
  readonly #brokers: readonly [string]
  readonly #settings: readonly string[]
  readonly #processes: ServiceProcess[] = []

  private constructor(name: string, brokers: readonly [string], settings: readonly string[]) {
    this.prefix = `faults-${name}-${process.pid}-${Math.floor(performance.now())}`
    this.#brokers = brokers
    this.#settings = settings
    this.log = createKafkaLog({ brokers: [...brokers], clientId: this.prefix, logger: silent })
  }

  /** @param settings `alerter.key=value` each */
  static async open(name: string, brokers: readonly [string], settings: readonly string[]): Promise<AlerterWorld> {
    const world = new AlerterWorld(name, brokers, settings)
    await world.log.ensureTopics(topicSpecs(world.prefix, partitions))
    return world
  }

  get alerter(): ServiceProcess {
    return this.#processes.at(-1)!
  }

  async startAlerter(): Promise<void> {
    const own = ['alerter.port=0', `kafka.partitions=${partitions}`, `kafka.topic_prefix=${this.prefix}`]
    const environment = { KAFKA_BROKERS: this.#brokers[0] }
    this.#processes.push(
      startService({ main: 'services/alerter/src/main.ts', settings: [...own, ...this.#settings], environment }),
    )
    await this.alerter.ready
  }

  async send(anomalies: readonly Anomaly[]): Promise<void> {
    this.sent.push(...anomalies)
    const producer = await this.log.producer()
    const topic = topicName(this.prefix, 'anomalies')
    for (let first = 0; first < anomalies.length; first += 500) {
      const portion = anomalies.slice(first, first + 500)
      await producer.send(
        portion.map((anomaly) => ({
          ...{ topic, partition: 0, key: Buffer.from(anomaly.entityKey), value: encode('Anomaly', anomaly) },
        })),
      )
    }
    await producer.close()
  }

  async notifications(receiver: string): Promise<Notification[]> {
    const records = await this.log.readToEnd(topicName(this.prefix, 'notifications'))
    return records.map(({ value }) => decode('Notification', value!)).filter((each) => each.receiver === receiver)
  }

  /** Breaches of the conservation law as the topics tell it; what was noted as pending and nothing else is pending. */
  async breaches(receiver: string): Promise<string[]> {
    const all = await this.notifications(receiver)
    const final = all.flatMap(({ anomalyId: recordId, outcome }) =>
      outcome === 'pending' || outcome === 'unknown' ? [] : [{ recordId, outcome } satisfies RecordOutcome],
    )
    const settled = new Set(final.map(({ recordId }) => recordId))
    const pending = all.map(({ anomalyId }) => anomalyId).filter((id) => !settled.has(id))
    return conservationBreaches(
      this.sent.map(({ id }) => id),
      final,
      pending,
    )
  }

  /** Resolves when each anomaly that was sent has its final outcome. */
  untilSettled(receiver: string, deadlineMs: number): Promise<true> {
    return eventually(
      async () => {
        const final = (await this.notifications(receiver)).filter(({ outcome }) => outcome !== 'pending')
        const missing = this.sent.length - new Set(final.map(({ anomalyId }) => anomalyId)).size
        if (missing > 0) throw new Error(`${missing} of ${this.sent.length} are not`)
        return true
      },
      { what: `all records are settled for ${receiver}`, deadlineMs, everyMs: 1000 },
    )
  }

  /** Resolves when the process has taken on all that was sent; with what its metrics say of it then. */
  async untilAccepted(receiver: string, deadlineMs: number): Promise<{ accepted: number; settled: number; pending: number }> {
    const url = await this.alerter.ready
    return eventually(
      async () => {
        const text = await (await fetch(`${url}/metrics`)).text()
        const sum = (metric: string) => sumOf(text, metric, receiver)
        const accepted = sum('lapwing_alerts_accepted_total')
        if (accepted < this.sent.length) throw new Error(`${accepted} of ${this.sent.length}`)
        return { accepted, settled: sum('lapwing_notifications_total'), pending: sum('lapwing_notifications_pending') }
      },
      { what: `all records are taken on for ${receiver}`, deadlineMs, everyMs: 1000 },
    )
  }

  async close(): Promise<void> {
    for (const service of this.#processes) service.signal('SIGKILL')
    await Promise.all(this.#processes.map(({ exited }) => exited))
    await this.log.close()
  }
}

function sumOf(metrics: string, metric: string, receiver: string): number {
  const lines = metrics.split('\n').filter((line) => line.startsWith(`${metric}{`) && line.includes(`receiver="${receiver}"`))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

/** Id of the incident that a message is about, and whether it fires. */
export function readMessage({ text, blocks }: SlackMessage): {
  incident: string
  state: 'firing' | 'resolved'
  isCritical: boolean
} {
  const incident = /"Incident ([^"]+)"/.exec(JSON.stringify(blocks))?.[1]
  if (!incident) throw new Error(`no incident in ${text}`)
  return { incident, state: text.startsWith('🟢') ? 'resolved' : 'firing', isCritical: text.startsWith('🔴') }
}

/** What the messages make somebody believe of each incident: the last one counts. */
export function beliefsOf(messages: readonly SlackMessage[]): Map<string, 'firing' | 'resolved'> {
  return new Map(messages.map(readMessage).map(({ incident, state }) => [incident, state]))
}

/** Messages that said what had been said before. */
export function repetitionsIn(messages: readonly SlackMessage[]): number {
  return messages.length - new Set(messages.map(({ text, blocks }) => `${text} ${readMessage({ text, blocks }).incident}`)).size
}
