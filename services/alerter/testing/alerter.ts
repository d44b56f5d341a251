/** The alerter as its process runs it, on a given log, on a free port. */
import { commonSections } from '@lapwing/service/config'
import { type ConfigSource, openConfig } from '@lapwing/service/config-source'
import type { ServiceConfig } from '@lapwing/service/run-process'
import { runService } from '@lapwing/service/run-service'
import type { Log } from '@lapwing/stream/log'
import { wrappedLog } from '@lapwing/stream/testing/wrapped-log'
import { pino } from 'pino'
import { alerterSchema } from '../src/config.ts'
import { startAlerter } from '../src/start.ts'
import { prefix } from './anomalies.ts'

export interface TestAlerter {
  readonly url: string
  /** The conservation law as its metrics tell it. */
  balance(receiver: string): Promise<{ accepted: number; settled: number; pending: number }>
  /** Errors that would have ended its process. */
  readonly failures: readonly Error[]
  /** Every line it logged. */
  readonly lines: readonly string[]
  stop(): Promise<void>
}

const partitions = 2

/** The log outlives the alerter, so that another one can go on with it. */
export async function startTestAlerter(log: Log, section: object, topicPrefix: string = prefix): Promise<TestAlerter> {
  const config = {
    kafka: commonSections.kafka.parse({ topic_prefix: topicPrefix, partitions }),
    http: commonSections.http.parse({}),
    log: commonSections.log.parse({}),
    alerter: alerterSchema.parse({ port: 0, ...section }),
  }
  return runTestAlerter(log, config)
}

/** As `startTestAlerter`, on a file that it reads again when it changes. */
export async function startAlerterOn(log: Log, file: string): Promise<TestAlerter> {
  const sets = [`kafka.topic_prefix=${prefix}`, `kafka.partitions=${partitions}`, 'alerter.port=0']
  const { config, source } = openConfig({ ...commonSections, alerter: alerterSchema }, { file, environment: {}, sets })
  return runTestAlerter(log, config, source)
}

type TestConfig = ServiceConfig<'alerter', typeof alerterSchema>

async function runTestAlerter(log: Log, config: TestConfig, source?: ConfigSource<TestConfig>): Promise<TestAlerter> {
  const lines: string[] = []
  const failures: Error[] = []
  const running = await runService({
    name: 'alerter',
    config,
    logger: pino({ level: 'debug' }, { write: (line: string) => lines.push(line) }),
    http: { host: '127.0.0.1', port: 0 },
    version: 'test',
    onFail: (error) => failures.push(error),
    start: (context) => startAlerter(context, wrappedLog(log, { close: async () => {} })),
    ...(source && { source }),
  })
  const sum = async (metric: string, receiver: string) => {
    const values = (await running.registry.getSingleMetric(metric)?.get())?.values ?? []
    return values.filter(({ labels }) => labels.receiver === receiver).reduce((total, { value }) => total + value, 0)
  }
  return {
    url: running.url,
    balance: async (receiver) => ({
      accepted: await sum('lapwing_alerts_accepted_total', receiver),
      settled: await sum('lapwing_notifications_total', receiver),
      pending: await sum('lapwing_notifications_pending', receiver),
    }),
    failures,
    lines,
    stop: running.close,
  }
}
