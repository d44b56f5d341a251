/** A detector whose settings are not those of the state that it finds, on a log: what people knew of is ended or gone on with, once. */
import { decode } from '@lapwing/contracts/codec'
import type { Anomaly } from '@lapwing/contracts/records'
import { snapshotVersion } from '@lapwing/detection/series-detector'
import { stateName } from '@lapwing/queries/detector-settings'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Log, OutgoingRecord } from '@lapwing/stream/log'
import { runStatefulStage, type StateEvent } from '@lapwing/stream/stateful-stage'
import { expect, test, vi } from 'vitest'
import { sampleRecord } from '../testing/sample-batch.ts'
import { detectorSchema } from './config.ts'
import { createDetectStep } from './detect.ts'
import { isOfSeries } from './left-open.ts'
import { readLeftOpen } from './read-left-open.ts'

const stepMs = 15_000
const wave = (i: number) => 10 + Math.sin(i / 3) + Math.sin(i * 1.7) / 2
const until = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 10 })

/** Of two series; `values` are those of the first, from sample `from` on. */
async function send(log: Log, from: number, values: readonly number[]): Promise<void> {
  const records = values.map((value, i): OutgoingRecord => {
    const atMs = (from + i + 1) * stepMs
    const series = [
      { labels: { __name__: 'load', instance: 'a' }, samples: [[atMs, value]] },
      { labels: { __name__: 'idle', instance: 'a' }, samples: [[atMs, wave(from + i + 50)]] },
    ] as const
    return { topic: 'samples', partition: 0, key: null, value: sampleRecord(series).value }
  })
  const producer = await log.producer()
  await producer.send(records)
  await producer.close()
}

async function createTopics(): Promise<Log> {
  const log = createInProcessLog()
  const of = (topic: string, cleanup: 'delete' | 'compact') => ({ topic, partitions: 1, cleanup, retentionMs: undefined })
  const kept = ['samples', 'scores', 'anomalies', 'dead'].map((topic) => of(topic, 'delete'))
  await log.ensureTopics([...kept, of('models', 'compact'), of('state', 'compact')])
  return log
}

interface Detector {
  readonly windowMinutes: number
  /** Whether deviations of this size are worth telling. */
  readonly minDeviation?: number
  /** It never gets to put anything down: as if it had died. */
  readonly dies?: true
}

/** Runs a detector that takes the partition over with the first of the values; returns when all are scored. */
async function detect(
  log: Log,
  { windowMinutes, minDeviation = 0, dies }: Detector,
  from: number,
  values: readonly number[],
): Promise<StateEvent[]> {
  const config = detectorSchema.parse({ window_minutes: windowMinutes })
  const events: StateEvent[] = []
  const stage = await runStatefulStage({
    ...{ log, group: 'detector', input: 'samples', deadLetters: 'dead', service: 'detector' },
    state: { topic: 'state', version: snapshotVersion, configHash: stateName(config), intervalMs: 1e9 },
    createStep: async (partition) =>
      createDetectStep({
        ...{ config, scoresTopic: 'scores', anomaliesTopic: 'anomalies', modelsTopic: 'models' },
        policyOf: () => ({ direction: 'both', minDeviation, minRelativeDeviation: 0 }),
        readLeftOpen: () => readLeftOpen(log, 'anomalies', partition, isOfSeries),
        observe: () => {},
        observeVerdict: () => {},
      }),
    observer: { batch: () => {}, deadLetter: () => {}, assigned: () => {} },
    onState: (event) => events.push(event),
    onFatal: () => {},
  })
  await send(log, from, values.slice(0, 1))
  await scored(log, from)
  await send(log, from + 1, values.slice(1))
  await scored(log, from + values.length - 1)
  if (dies) await log.fencedProducer('detector-0')
  await stage.stop()
  return events
}

async function scored(log: Log, offset: number): Promise<void> {
  await until(async () => {
    const scores = await log.readToEnd('scores')
    expect(scores.map(({ value }) => decode('ScoreBatch', value!).sourceOffset)).toContain(offset)
  })
}

async function anomaliesOf(log: Log): Promise<Anomaly[]> {
  return (await log.readToEnd('anomalies')).map(({ value }) => decode('Anomaly', value!))
}

const quiet = Array.from({ length: 300 }, (_, i) => wave(i))
const refused = { kind: 'damaged', partition: 0, reason: 'config' }

/** An episode that ends, and one that is open at the last. */
const twoEpisodes = [...quiet.slice(0, 200), ...Array(6).fill(60), ...quiet.slice(200), ...Array(3).fill(90)]

async function withOneLeftOpen(): Promise<{ log: Log; open: Anomaly; told: readonly Anomaly[] }> {
  const log = await createTopics()
  await detect(log, { windowMinutes: 60 }, 0, twoEpisodes)
  const told = await anomaliesOf(log)
  const ended = new Set(told.filter(({ state }) => state === 'resolved').map(({ episodeId }) => episodeId))
  const open = told.filter(({ episodeId }) => !ended.has(episodeId))
  expect(ended.size).toBeGreaterThan(0)
  expect(new Set(open.map(({ episodeId }) => episodeId)).size).toBe(1)
  return { log, open: open[0]!, told }
}

/** Batches until then. */
const sent = 309
const after = Array.from({ length: 30 }, (_, i) => wave(300 + i))
const large = { windowMinutes: 120 }
/** To it, what was told is not worth telling. */
const unmoved = { windowMinutes: 120, minDeviation: 1000 }

test('what the new detector does not find unusual is ended once, with the reason, and nothing is told again', async () => {
  const { log, open, told } = await withOneLeftOpen()
  expect(await detect(log, unmoved, sent, after)).toContainEqual(refused)
  const news = (await anomaliesOf(log)).slice(told.length)
  expect(news).toMatchObject([
    { episodeId: open.episodeId, state: 'resolved', endReason: 'began_anew', endedAtMs: (sent + 2) * stepMs, value: Number.NaN },
  ])
})

test('when it dies before it has put anything down, the one after it does not end it again', async () => {
  const { log, open, told } = await withOneLeftOpen()
  await detect(log, { ...unmoved, dies: true }, sent, after)
  expect(await detect(log, unmoved, sent + 30, after)).toContainEqual(refused)
  const news = (await anomaliesOf(log)).slice(told.length)
  expect(news.map(({ episodeId, endReason }) => [episodeId, endReason])).toEqual([[open.episodeId, 'began_anew']])
})

test('when one died that had put nothing down, the next of the same settings tells what was told and no more', async () => {
  const [log, calm] = [await createTopics(), await createTopics()]
  await detect(log, { windowMinutes: 60, dies: true }, 0, twoEpisodes)
  await detect(log, { windowMinutes: 60 }, sent, after)
  await detect(calm, { windowMinutes: 60 }, 0, [...twoEpisodes, ...after])
  const idsOn = async (of: Log) => new Set((await anomaliesOf(of)).map(({ id }) => id))
  expect(await idsOn(log)).toEqual(await idsOn(calm))
})

test('while nothing new comes it ends nothing, and remembers over a restart that it has to', async () => {
  const { log, open, told } = await withOneLeftOpen()
  expect(await detect(log, unmoved, sent, after.slice(0, 1))).toContainEqual(refused)
  expect(await anomaliesOf(log)).toHaveLength(told.length)
  const restored = await detect(log, unmoved, sent + 1, after.slice(1))
  expect(restored).toContainEqual(expect.objectContaining({ kind: 'restored' }))
  const news = (await anomaliesOf(log)).slice(told.length)
  expect(news.map(({ episodeId, endReason }) => [episodeId, endReason])).toEqual([[open.episodeId, 'began_anew']])
})

test('an episode that goes on goes on under its name, and ends as any other', async () => {
  const { log, open, told } = await withOneLeftOpen()
  expect(await detect(log, large, sent, [...Array(10).fill(90), ...after])).toContainEqual(refused)
  const news = (await anomaliesOf(log)).slice(told.length)
  expect(news.filter(({ state }) => state === 'open')).toEqual([])
  expect(news.filter(({ state }) => state === 'resolved')).toMatchObject([
    { episodeId: open.episodeId, startedAtMs: open.startedAtMs, endReason: '' },
  ])
})

test('what begins after the last answer of the earlier detector is told as ever', async () => {
  const { log, open, told } = await withOneLeftOpen()
  await detect(log, unmoved, sent, [...after, ...Array(6).fill(5000), ...after])
  const news = (await anomaliesOf(log)).slice(told.length)
  const others = news.filter(({ episodeId }) => episodeId !== open.episodeId)
  expect(news.filter(({ endReason }) => endReason === 'began_anew')).toHaveLength(1)
  expect(others.filter(({ state }) => state === 'open')).toHaveLength(1)
  expect(others.filter(({ state }) => state === 'resolved')).toHaveLength(1)
})
