/** An entity that is gone, on a log: registry and scoring forget it, a restart goes on from the rest, and its topics hold nothing of it any more. */
import { decode } from '@lapwing/contracts/codec'
import type { Anomaly, ScoreBatch } from '@lapwing/contracts/records'
import type { Log } from '@lapwing/stream/log'
import { runStatefulStage, type StateEvent } from '@lapwing/stream/stateful-stage'
import { expect, onTestFinished, test, vi } from 'vitest'
import { entity, entityOf, live, stepMs, store, version } from '../../testing/entity-under-model.ts'
import { goodWork, hourMs, openLog, own, patience, register, registryOf, send } from '../../testing/registry-owner.ts'
import { createEntityStep, entityStateVersion } from './entity-step.ts'

/** Whole hours on which rows of a minute fall. */
const startRow = 500_000 * 60

async function score(log: Log): Promise<{ events: StateEvent[]; stop(): Promise<void> }> {
  const events: StateEvent[] = []
  const topics = { scoresTopic: 'scores', anomaliesTopic: 'anomalies', controlTopic: 'control' }
  const stage = await runStatefulStage({
    ...{ log, group: 'entities', input: 'samples', deadLetters: 'dead', service: 'trainer' },
    sideInputs: [{ topic: 'models', partitions: 'own', intervalMs: 0 }],
    state: { topic: 'entity-state', version: entityStateVersion, configHash: 'entities', intervalMs: 0 },
    createStep: async () => createEntityStep({ ...topics, store, shadowRows: 1e9, observe: () => {} }),
    observer: { batch: () => {}, deadLetter: () => {}, assigned: () => {} },
    onState: (event) => events.push(event),
    onFatal: (error) => {
      throw error
    },
  })
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= stage.stop()
    return stopped
  }
  onTestFinished(stop)
  return { events, stop }
}

/** Keys on the state topic that have a state, without the marker. */
async function stateKeys(log: Log): Promise<string[]> {
  const newest = new Map<string, boolean>()
  for (const { key, value } of await log.readToEnd('entity-state')) newest.set(Buffer.from(key!).toString('hex'), value !== null)
  return [...newest].flatMap(([key, isThere]) => (isThere && key.length === 36 ? [key] : [])).sort()
}

const scoresOf = async (log: Log): Promise<ScoreBatch[]> =>
  (await log.readToEnd('scores')).map(({ value }) => decode('ScoreBatch', value!))
const anomaliesOf = async (log: Log): Promise<Anomaly[]> =>
  (await log.readToEnd('anomalies')).map(({ value }) => decode('Anomaly', value!))

test('leaves the topics of models and of state, and what is there goes on', async () => {
  const log = await openLog()
  const spec = { partitions: 1, retentionMs: undefined }
  await log.ensureTopics([
    ...['scores', 'anomalies', 'dead'].map((topic) => ({ ...spec, topic, cleanup: 'delete' as const })),
    { ...spec, topic: 'entity-state', cleanup: 'compact' },
  ])
  const sinceMs = startRow * stepMs
  await register(log, { ...(await version('pca/a', 'promoted', sinceMs)), createdAtMs: sinceMs })
  await register(log, { ...(await version('pca/b', 'promoted', sinceMs, 3, 'b')), createdAtMs: sinceMs })
  let nowMs = sinceMs
  const { fatal } = own(log, goodWork, { now: () => nowMs })
  let scoring = await score(log)
  const feed = async (fromRow: number, rows: number, instance = 'a', faulty = false) => {
    for (const { value } of live(startRow + fromRow, rows, faulty, 9, instance)) await send(log, 'samples', value!)
  }
  const isScored = (row: number) =>
    vi.waitFor(async () => {
      await feed(row, 1)
      expect((await scoresOf(log)).some(({ newestMs }) => newestMs >= (startRow + row - 2) * stepMs)).toBe(true)
    }, patience)
  const look = async (hour: number, row: number) => {
    nowMs = sinceMs + hour * hourMs
    await feed(row, 3)
    await vi.waitFor(async () => expect((await registryOf(log)).known.lookedMs).toBe(nowMs), patience)
  }
  const both = ['a', 'b'].flatMap((instance) => ['0000', '0001'].map((end) => `${entityOf(instance)}${end}`)).sort()

  await vi.waitFor(async () => {
    await feed(0, 1)
    expect(await stateKeys(log)).toEqual(both)
  }, patience)
  await feed(1, 40)
  await feed(1, 40, 'b')
  await feed(41, 10, 'b', true)
  await vi.waitFor(async () => expect((await anomaliesOf(log)).map(({ state }) => state)).toContain('open'), patience)
  const opened = (await anomaliesOf(log)).find(({ state }) => state === 'open')!
  await look(1, 60)
  await scoring.stop()

  // b is away for more than a day; nobody scores when it is forgotten.
  await look(27, 27 * 60)
  expect((await registryOf(log)).all().map(({ modelId }) => modelId)).toEqual(['pca/a', 'pca/b'])
  await look(28, 28 * 60)
  expect((await registryOf(log)).all().map(({ modelId }) => modelId)).toEqual(['pca/a'])
  expect(await stateKeys(log)).toEqual(both)

  scoring = await score(log)
  await isScored(28 * 60 + 10)
  await vi.waitFor(async () => {
    await feed(28 * 60 + 11, 1)
    expect(await stateKeys(log)).toEqual(['0000', '0001'].map((end) => `${entity}${end}`))
  }, patience)
  expect((await anomaliesOf(log)).filter(({ episodeId }) => episodeId === opened.episodeId).at(-1)).toMatchObject({
    state: 'resolved',
  })
  expect(scoring.events).toContainEqual(expect.objectContaining({ kind: 'restored', keys: 4 }))
  await scoring.stop()

  scoring = await score(log)
  await feed(28 * 60 + 12, 20)
  await isScored(28 * 60 + 40)
  expect(scoring.events).toContainEqual(expect.objectContaining({ kind: 'restored', keys: 2 }))
  const scored = (await scoresOf(log)).length
  await feed(28 * 60 + 41, 20, 'b')
  await isScored(28 * 60 + 62)
  const after = (await scoresOf(log)).slice(scored)
  expect(new Set(after.map(({ model }) => model))).toEqual(new Set(['pca/a']))
  expect(fatal).toEqual([])
})
