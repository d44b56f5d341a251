/** A reporter on an in-process log, on a free port, for tests; with the means to write what other services would. */
import { encode, type RecordTypes } from '@lapwing/contracts/codec'
import { type TopicName, topicName } from '@lapwing/contracts/topics'
import { runService } from '@lapwing/service/run-service'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Log } from '@lapwing/stream/log'
import { pino } from 'pino'
import type { z } from 'zod'
import { reporterSchema } from '../src/config.ts'
import { exploredIngestor } from '../src/explore/explore-settings.ts'
import { startReporter } from '../src/start.ts'

export interface RunningReporter {
  readonly url: string
  readonly log: Log
  /** Errors that the service gave up with. */
  readonly failures: readonly Error[]
  write<Name extends keyof typeof topicOf>(name: Name, records: readonly RecordTypes[Name][]): Promise<void>
  /** Bytes that need not be a record. */
  writeBytes(topic: TopicName, value: Uint8Array): Promise<void>
  close(): Promise<void>
}

/**
 * @param sections of other services, as they are written
 * @param log when given it is shared, as by services in one process, and stays open
 */
export async function runReporter(
  settings: z.input<typeof reporterSchema> = {},
  log: Log = createInProcessLog(),
  sections: { readonly ingestor?: z.input<typeof exploredIngestor> } = {},
): Promise<RunningReporter> {
  const config = {
    kafka: { brokers: [], topic_prefix: 'test', partitions: 2 },
    http: { host: '127.0.0.1' },
    log: { level: 'silent' as never },
    reporter: reporterSchema.parse({ port: 0, ...settings }),
    ...(sections.ingestor && { ingestor: exploredIngestor.parse(sections.ingestor) }),
  }
  const failures: Error[] = []
  const service = await runService({
    name: 'reporter',
    config,
    logger: pino({ level: 'silent' }),
    http: { host: config.http.host, port: config.reporter.port },
    version: 'test',
    onFail: (error) => failures.push(error),
    start: (context) => startReporter(context, log),
  })
  const producer = await log.producer()
  const send = (topic: TopicName, value: Uint8Array, key = 'test') =>
    producer.send([{ topic: topicName('test', topic), partition: 0, key: Buffer.from(key), value }])
  return {
    url: service.url,
    log,
    failures,
    write: async (name, records) => {
      for (const record of records) {
        await send(topicOf[name], encode(name, record), 'modelId' in record ? record.modelId : undefined)
      }
    },
    writeBytes: (topic, value) => send(topic, value),
    close: async () => {
      await service.close()
      await producer.close()
    },
  }
}

const topicOf = {
  SampleBatch: 'samples',
  ScoreBatch: 'scores',
  Anomaly: 'anomalies',
  Notification: 'notifications',
  Control: 'control',
  Feedback: 'feedback',
  Model: 'models',
  Mute: 'mutes',
  PodEvent: 'pod-events',
  ServiceSettings: 'settings',
} as const

/** Waits until `holds` gives a value that is true; rejects after the deadline with what was last seen. */
export async function until<T>(look: () => Promise<T>, holds: (value: T) => boolean, deadlineMs = 25_000): Promise<T> {
  const endMs = performance.now() + deadlineMs
  for (;;) {
    const seen = await look()
    if (holds(seen)) return seen
    if (performance.now() > endMs)
      throw new Error(`not within ${deadlineMs} ms; last seen: ${JSON.stringify(seen)?.slice(0, 1000)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
