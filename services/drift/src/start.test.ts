/** The service on a log: a verdict on the feedback topic becomes a request on the control topic, once, whatever is restarted. */
import { decode, encode } from '@lapwing/contracts/codec'
import { seriesKey, sortedLabels } from '@lapwing/contracts/series'
import { topicName } from '@lapwing/contracts/topics'
import { commonSections } from '@lapwing/service/config'
import { openConfig } from '@lapwing/service/config-source'
import { createLogger } from '@lapwing/service/logger'
import { runService } from '@lapwing/service/run-service'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { expect, test, vi } from 'vitest'
import { asScoreOfEntity, noise, ok, scoreRecord, stepMs } from '../testing/score-batch.ts'
import { verdictOn } from '../testing/verdict.ts'
import { driftSchema } from './config.ts'
import { startDrift } from './start.ts'

const labels = sortedLabels(Object.entries({ __name__: 'lapwing_entity_score', instance: 'a' }))
const sets = ['kafka.topic_prefix=test', 'kafka.partitions=1', 'drift.checkpoint_interval=100ms']
const patient = { timeout: 20_000, interval: 50 }

test('false alarms on the feedback topic become a request on the control topic, also when the service is restarted between them', async () => {
  const { log, run, problems } = service()
  const first = await run()
  const producer = await log.producer()
  let scored = 0
  const score = async (count: number) => {
    const { value } = asScoreOfEntity(scoreRecord(noise(count, 0.2), scored, ok, labels), 'pca/1')
    scored += count
    await producer.send([{ topic: topicName('test', 'scores'), partition: 0, key: null, value }])
  }
  const say = async (episode: number) => {
    const about = { seriesKey: seriesKey(labels).toString('hex'), startedAtMs: 200 * stepMs }
    const { anomalyId, ...rest } = verdictOn(episode, about)
    const value = encode('Feedback', { anomalyId, ...rest })
    await producer.send([{ topic: topicName('test', 'feedback'), partition: 0, key: Buffer.from(anomalyId), value }])
  }
  const requests = async () =>
    (await log.readToEnd(topicName('test', 'control'), 0)).map(({ value }) => decode('Control', value!).reason)
  const counted = async ({ url }: { url: string }) =>
    /^lapwing_drift_verdicts_total\{outcome="counted",service="drift"\} (\d+)$/m.exec(
      await (await fetch(`${url}/metrics`)).text(),
    )?.[1]

  await score(300)
  await vi.waitFor(
    async () => expect(await (await fetch(`${first.url}/metrics`)).text()).toMatch(/^lapwing_drift_scores_total\S* 300$/m),
    patient,
  )
  for (const episode of [1, 2, 3, 4, 5, 6]) await say(episode)
  await vi.waitFor(async () => {
    await score(1)
    expect(await counted(first)).toBe('6')
  }, patient)
  expect(await requests()).toEqual([])
  await first.close()

  const second = await run()
  await say(7)
  await vi.waitFor(async () => {
    await score(1)
    expect(await requests()).toEqual([
      '7 of the last 7 verdicts on lapwing_entity_score{instance="a"} were false alarm or new normal',
    ])
  }, patient)
  expect(await counted(second)).toBe('1')
  await second.close()
  expect(problems).toEqual([])
})

test('series that are gone leave the state topic, and a restart goes on from what is left', async () => {
  const { log, run, problems } = service()
  const hourMs = 3_600_000
  const producer = await log.producer()
  const score = async (hour: number, instance: string) => {
    const set = sortedLabels(Object.entries({ __name__: 'latency', instance }))
    const { value } = scoreRecord(noise(60, 0.2), hour * 60, ok, set, hourMs / 60)
    await producer.send([{ topic: topicName('test', 'scores'), partition: 0, key: null, value }])
  }
  const watched = async ({ url }: { url: string }) =>
    /^lapwing_drift_series\{service="drift"\} (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]
  const kept = async () => {
    const newest = new Map<string, Uint8Array | null>()
    const records = await log.readToEnd(topicName('test', 'drift-state'), 0)
    for (const { key, value } of records) newest.set(Buffer.from(key!).toString('hex'), value)
    return { written: newest.size, left: [...newest.values()].filter((value) => value !== null).length }
  }

  const first = await run()
  for (const instance of ['a', 'b', 'c']) await score(1000, instance)
  await vi.waitFor(async () => expect(await watched(first)).toBe('3'), patient)
  await first.close()
  // Three series, three entities, the time and the marker.
  expect(await kept()).toEqual({ written: 8, left: 8 })

  const second = await run()
  for (let hour = 1001; hour < 1030; hour++) await score(hour, 'a')
  await vi.waitFor(async () => expect(await watched(second)).toBe('1'), patient)
  await second.close()
  expect(await kept()).toEqual({ written: 8, left: 4 })

  const third = await run()
  await score(1030, 'b')
  await vi.waitFor(async () => expect(await watched(third)).toBe('2'), patient)
  // Not those of before again: the state was taken over.
  expect(await (await fetch(`${third.url}/metrics`)).text()).toMatch(/^lapwing_drift_scores_total\S* 60$/m)
  await third.close()
  expect(await kept()).toEqual({ written: 8, left: 6 })
  expect(problems).toEqual([])
})

/** The drift service on a log of its own; what it told of going wrong. */
function service() {
  const log = createInProcessLog()
  const problems: (Error | string)[] = []
  const run = () =>
    runService({
      name: 'drift',
      ...openConfig({ ...commonSections, drift: driftSchema }, { environment: {}, sets }),
      logger: createLogger({ name: 'drift', level: 'error', output: { write: (line) => void problems.push(line) } }),
      http: { host: '127.0.0.1', port: 0 },
      version: 'test',
      onFail: (error) => problems.push(error),
      start: (context) => startDrift(context, log),
    })
  return { log, run, problems }
}
