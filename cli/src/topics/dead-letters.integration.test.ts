/** The way of a damaged record on real Kafka: into a detector, to the dead letters, into the list, and back. */
import { randomUUID } from 'node:crypto'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { detectorSchema } from '@lapwing/detector/config'
import { createDetectStep } from '@lapwing/detector/detect'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import type { Log, LogRecord } from '@lapwing/stream/log'
import { runStage } from '@lapwing/stream/stage'
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { listDeadLetters } from './list-dead-letters.ts'
import { listTopics } from './list-topics.ts'
import type { Deployment } from './open-log.ts'
import { replayDeadLetters } from './replay-dead-letters.ts'

const brokers = inject('kafkaBrokers')
const patience = { timeout: 50_000, interval: 50 }
const all = { topic: undefined, reason: undefined }
const damaged = { key: Buffer.from([0, 255]), value: Buffer.from([0, 0, 0, 0, 101, 255, 0, 27, 128]) }

describe.skipIf(brokers.length === 0)('a record that a detector cannot decode', () => {
  test('is listed, and after a replay is on its topic again, byte for byte', async () => {
    const { deployment, samples, deadLetters, output } = await openDeployment()
    const { log } = deployment
    await (await log.producer()).send([{ topic: samples, partition: 1, ...damaged }])
    const stop = await runDetector(deployment)
    await vi.waitFor(async () => expect(await log.readToEnd(deadLetters)).toHaveLength(1), patience)
    await stop()

    await listDeadLetters(deployment, { selection: { topic: samples, reason: 'malformed' }, limit: 10, json: true })
    const origin = { originTopic: samples, originPartition: 1, originOffset: 0 }
    const letter = {
      ...origin,
      partition: 1,
      offset: 0,
      reason: 'malformed',
      service: 'detector',
      sizeBytes: damaged.value.length,
    }
    expect(JSON.parse(output())).toMatchObject(letter)

    const replay = { selection: all, place: { partition: 1, offset: 0n } }
    expect(await replayDeadLetters(deployment, { ...replay, dryRun: true })).toEqual({ send: 1, repeated: 0, refused: 0 })
    expect(await log.readToEnd(samples)).toHaveLength(1)
    expect(await replayDeadLetters(deployment, { ...replay, dryRun: false })).toEqual({ send: 1, repeated: 0, refused: 0 })
    expect(contents(await log.readToEnd(samples, 1))).toEqual([damaged, damaged])
    expect(output()).toContain(`1/0: sent ${damaged.value.length} B to ${samples}, partition 1\n`)
  })

  test('that was replayed in vain is sent once by the next replay', async () => {
    const { deployment, samples, deadLetters } = await openDeployment()
    const { log } = deployment
    await (await log.producer()).send([{ topic: samples, partition: 1, ...damaged }])
    onTestFinished(await runDetector(deployment))
    await vi.waitFor(async () => expect(await log.readToEnd(deadLetters)).toHaveLength(1), patience)
    await replayDeadLetters(deployment, { selection: all, place: undefined, dryRun: false })
    await vi.waitFor(async () => expect(await log.readToEnd(deadLetters)).toHaveLength(2), patience)
    expect(await replayDeadLetters(deployment, { selection: all, place: undefined, dryRun: false })).toEqual({
      send: 1,
      repeated: 1,
      refused: 0,
    })
  })
})

describe.skipIf(brokers.length === 0)('the list of topics', () => {
  test('counts what is there and says what is absent', async () => {
    const { deployment, samples, output } = await openDeployment(['samples', 'dead-letters'])
    await (await deployment.log.producer()).send([{ topic: samples, partition: 0, ...damaged }])
    await listTopics(deployment, { json: false })
    const [, ...lines] = output().split('\n')
    expect(lines[0]).toMatch(/^\S+\.samples\.v1 +2 +1 +delete +SampleBatch$/)
    expect(lines[1]).toMatch(/^\S+\.scores\.v1 +absent +- +delete +ScoreBatch$/)
    const all = topicSpecs('p', 2).length
    expect(lines.at(-2)).toMatch(new RegExp(`^Absent: ${all - 2} of ${all} topics`))
  })
})

/** Topics of its own, by default all of them, on the brokers of the run. */
async function openDeployment(names?: readonly ('samples' | 'dead-letters')[]) {
  const prefix = `topics-${randomUUID()}`
  const log = createKafkaLog({ brokers, clientId: 'test', logger: { debug: () => {}, warn: console.warn, error: console.error } })
  onTestFinished(() => log.close())
  const wanted = names?.map((name) => topicName(prefix, name))
  await log.ensureTopics(topicSpecs(prefix, 2).filter(({ topic }) => wanted?.includes(topic) ?? true))
  const written: string[] = []
  const deployment: Deployment = { log, prefix, write: (text) => void written.push(text) }
  const [samples, deadLetters] = [topicName(prefix, 'samples'), topicName(prefix, 'dead-letters')]
  return { deployment, samples, deadLetters, output: () => written.join('') }
}

/** Resolves with how to stop it. */
async function runDetector({ log, prefix }: { log: Log; prefix: string }): Promise<() => Promise<void>> {
  const step = {
    config: detectorSchema.parse({}),
    scoresTopic: topicName(prefix, 'scores'),
    anomaliesTopic: topicName(prefix, 'anomalies'),
    modelsTopic: topicName(prefix, 'models'),
    observe: () => undefined,
    observeVerdict: () => undefined,
  }
  const stage = await runStage({
    log,
    group: `${prefix}-detector`,
    inputs: [topicName(prefix, 'samples')],
    deadLetters: topicName(prefix, 'dead-letters'),
    service: 'detector',
    createStep: async () => createDetectStep(step),
    observer: { batch: () => undefined, deadLetter: () => undefined, assigned: () => undefined },
    onFatal: (error) => expect.unreachable(error.message),
  })
  return () => stage.stop()
}

function contents(records: readonly LogRecord[]) {
  return records.map(({ key, value }) => ({ key: Buffer.from(key!), value: Buffer.from(value!) }))
}
