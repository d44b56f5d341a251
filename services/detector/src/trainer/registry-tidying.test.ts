/** What is of no use any more leaves the models topic, whoever owns the partition and whenever he dies; what is alive stays. */
import type { Model } from '@lapwing/contracts/records'
import { entityKey, sortedLabels } from '@lapwing/contracts/series'
import { createRandom } from '@lapwing/detection/random'
import { entityScopeOf } from '@lapwing/models/control-decision'
import { emptyModel, type ModelRegistry } from '@lapwing/models/registry'
import type { Log } from '@lapwing/stream/log'
import { describe, expect, test, vi } from 'vitest'
import {
  dayMs,
  goodWork,
  hourMs,
  openLog,
  own,
  patience,
  register,
  registryOf,
  send,
  topics,
} from '../../testing/registry-owner.ts'
import { sampleRecord } from '../../testing/sample-batch.ts'
import { NewestSample } from './newest-sample.ts'
import { RegistryTidying } from './registry-tidying.ts'
import { VersionRecords } from './version-records.ts'

const startMs = 1000 * dayMs
const scopeOf = (instance: string) =>
  entityScopeOf(entityKey(sortedLabels([['instance', instance]]), ['instance']).toString('hex'))

function version(modelId: string, instance: string, fields: Partial<Model> = {}): Model {
  const scope = scopeOf(instance)
  return {
    ...emptyModel,
    modelId,
    scope,
    kind: 'pca',
    state: 'promoted',
    createdAtMs: startMs,
    stateAtMs: startMs,
    sha256: 'aa',
    ...fields,
  }
}

const come = (log: Log, atMs: number, ...instances: readonly string[]) =>
  send(log, 'samples', sampleRecord(instances.map((instance) => ({ labels: { instance }, samples: [[atMs, 1]] }))).value!)

const idsOf = async (log: Log) =>
  (await registryOf(log))
    .all()
    .map(({ modelId }) => modelId)
    .sort()

async function newestOf(log: Log): Promise<Map<string, Uint8Array | null>> {
  return new Map((await log.readToEnd(topics.models)).map(({ key, value }) => [Buffer.from(key!).toString(), value]))
}

/** A store of weights that notes what it removes; it is down while `isDown`. */
function createStore() {
  const store = { removed: [] as string[], isDown: false }
  const removeArtefact = async (uri: string) => {
    if (store.isDown) throw new Error('the store is down')
    store.removed.push(uri)
  }
  return { store, removeArtefact }
}

describe('what is of no use any more', () => {
  test('old versions are forgotten, and an hour later their weights, but those that another version has', async () => {
    const log = await openLog()
    const old = (id: string, createdAtMs: number, artefactUri: string) =>
      version(id, 'a', { state: 'rejected', createdAtMs, artefactUri })
    await register(log, old('1', 1, 'own'), old('2', 2, 'shared'), old('3', 3, 'shared'))
    await come(log, startMs, 'a')
    let nowMs = startMs
    const { store, removeArtefact } = createStore()
    const { events, fatal } = own(log, goodWork, { keptVersions: 1, removeArtefact, now: () => nowMs })
    await vi.waitFor(async () => expect(await idsOf(log)).toEqual(['3']), patience)
    expect((await registryOf(log)).known.leftArtefacts).toEqual(['own', 'shared'])
    expect(store.removed).toEqual([])
    store.isDown = true
    nowMs += hourMs
    await vi.waitFor(() => expect(events).toContainEqual(expect.objectContaining({ kind: 'not_removed', uri: 'own' })), patience)
    store.isDown = false
    nowMs += hourMs
    await vi.waitFor(async () => expect((await registryOf(log)).known.leftArtefacts).toEqual([]), patience)
    expect(store.removed).toEqual(['own'])
    expect(events.flatMap((event) => (event.kind === 'forgotten' ? [`${event.model.modelId} ${event.reason}`] : []))).toEqual([
      '1 old',
      '2 old',
    ])
    expect(fatal).toEqual([])
  })

  test('nothing more is forgotten while very many weights wait for a store that is down', async () => {
    const log = await openLog()
    const old = Array.from({ length: 1005 }, (_, i) =>
      version(`${i}`, 'a', { state: 'rejected', createdAtMs: i + 1, artefactUri: `address ${i}` }),
    )
    await register(log, ...old)
    await come(log, startMs, 'a')
    let nowMs = startMs
    const { store, removeArtefact } = createStore()
    store.isDown = true
    const { fatal } = own(log, goodWork, { keptVersions: 1, removeArtefact, now: () => nowMs })
    const lookedAt = (atMs: number) => vi.waitFor(async () => expect((await registryOf(log)).known.lookedMs).toBe(atMs), patience)
    await lookedAt(nowMs)
    nowMs += hourMs
    await lookedAt(nowMs)
    expect(await idsOf(log)).toHaveLength(5)
    store.isDown = false
    nowMs += hourMs
    await vi.waitFor(() => expect(store.removed).toHaveLength(1000), patience)
    nowMs += hourMs
    await vi.waitFor(async () => expect(await idsOf(log)).toHaveLength(1), patience)
    expect(fatal).toEqual([])
  })

  test('all of an entity that is gone goes, by whichever owner; those that are there keep theirs', async () => {
    const log = await openLog()
    const shadow = version('gone/3', 'gone', { state: 'shadow', artefactUri: 'large' })
    await register(
      log,
      version('gone/1', 'gone'),
      version('gone/2', 'gone', { state: 'rejected' }),
      shadow,
      version('here', 'here', { artefactUri: 'needed' }),
    )
    await come(log, startMs, 'gone', 'here')
    let nowMs = startMs
    const { store, removeArtefact } = createStore()
    const schedule = { nextRunMs: (_: string, afterMs: number) => afterMs + 100 * dayMs, text: 'rarely' }
    const owner = () => own(log, goodWork, { removeArtefact, now: () => nowMs, schedule })
    const planned = async () => (await registryOf(log)).plan.map(({ scope }) => scope)
    const looked = (atMs: number) => vi.waitFor(async () => expect((await registryOf(log)).known.lookedMs).toBe(atMs), patience)
    let current = owner()
    const look = async (afterMs: number, ...instances: readonly string[]) => {
      nowMs += afterMs
      await come(log, nowMs, ...instances)
      await looked(nowMs)
    }
    await looked(nowMs)
    await look(hourMs, 'here', 'gone')
    await look(23 * hourMs, 'here')
    await current.partition.stop()
    current = owner()
    await look(2 * hourMs, 'here')
    expect(await idsOf(log)).toHaveLength(4)
    expect(await planned()).toHaveLength(2)
    // A day is over as of the look before.
    await look(hourMs, 'here')
    expect(await idsOf(log)).toEqual(['here'])
    expect(store.removed).toEqual([])
    expect(current.events.filter(({ kind }) => kind === 'forgotten')).toHaveLength(3)
    await current.partition.stop()
    current = owner()
    await look(hourMs, 'here', 'gone')
    await vi.waitFor(() => expect(store.removed).toEqual(['large']), patience)
    expect(await idsOf(log)).toEqual(['here'])
    const { known } = await registryOf(log)
    expect([...known.entities.keys()]).toEqual([scopeOf('here')])
    expect(known.leftArtefacts).toEqual([])
    expect(await planned()).toEqual([scopeOf('here')])
    expect(current.fatal).toEqual([])
  })
})

/** A trainer's memory of a partition, and hours that pass. */
class Trainer {
  readonly #log: Log
  readonly #newest: NewestSample
  #versions!: VersionRecords
  registry!: ModelRegistry
  nowMs = startMs
  readonly removed = new Set<string>()

  constructor(log: Log) {
    this.#log = log
    this.#newest = new NewestSample(log, topics.samples, 0)
  }

  async restart(): Promise<void> {
    this.registry = await registryOf(this.#log)
    this.#versions = new VersionRecords(this.#log, topics.models, 0)
    await this.#versions.catchUp()
  }

  async promote(model: Model): Promise<void> {
    await register(this.#log, model)
    this.registry.put(model)
  }

  async tidyUp(): Promise<void> {
    const { removed } = this
    const options = {
      ...{ log: this.#log, topics, keptVersions: 2, forgetAfterMs: 14 * dayMs },
      removeArtefact: async (uri: string) => void removed.add(uri),
      now: () => this.nowMs,
      observe: () => {},
    }
    const tidying = new RegistryTidying(options, 0, this.#newest, new AbortController().signal)
    const producer = await this.#log.fencedProducer('trainer-0')
    await tidying.tidyUp(this.registry, this.#versions, async (models, forgottenIds) => {
      const tombstones = forgottenIds.map((modelId) => ({
        topic: 'models',
        partition: 0,
        key: Buffer.from(modelId),
        value: null,
      }))
      await producer.commit(tombstones)
      await register(this.#log, ...models)
      for (const modelId of forgottenIds) this.registry.remove(modelId)
      for (const model of models) this.registry.put(model)
    })
    await producer.close()
  }

  async size(): Promise<{ versions: number; entities: number; places: number }> {
    await this.#versions.catchUp()
    return { versions: this.registry.all().length, entities: this.registry.known.entities.size, places: this.#versions.size }
  }
}

test('priors of cohorts that tell of themselves no longer leave the topic, also where no entity has a model', async () => {
  const log = await openLog()
  const trainer = new Trainer(log)
  const prior = { ...emptyModel, modelId: 'cohort-prior/1', kind: 'cohort-prior', scope: 'cohort:1' }
  await trainer.restart()
  await come(log, startMs, 'a')
  const ids = async () => [...(await newestOf(log))].flatMap(([id, value]) => (value && !id.startsWith('registry-') ? [id] : []))
  await trainer.tidyUp()
  await register(log, prior)
  trainer.nowMs = Date.now() + 7 * dayMs - hourMs
  await trainer.tidyUp()
  expect(await ids()).toEqual(['cohort-prior/1'])
  trainer.nowMs += 2 * hourMs
  await trainer.tidyUp()
  expect(await ids()).toEqual([])
})

test('a pause of all sources makes nobody gone, even after a sample from the future', async () => {
  const log = await openLog()
  const trainer = new Trainer(log)
  await register(log, version('a', 'a'), version('b', 'b'))
  await trainer.restart()
  const look = async (...instances: readonly string[]) => {
    trainer.nowMs += hourMs
    if (instances.length > 0) await come(log, trainer.nowMs, ...instances)
    await trainer.tidyUp()
  }
  await look('a', 'b')
  await come(log, startMs + 1000 * dayMs, 'a')
  await look('a', 'b')
  for (let hour = 0; hour < 50; hour++) await look()
  await look('a')
  await look('a', 'b')
  expect(trainer.registry.all()).toHaveLength(2)
  for (let hour = 0; hour < 60; hour++) await look('a')
  expect(trainer.registry.all().map(({ modelId }) => modelId)).toEqual(['a'])
})

test('where entities come and go, memory and topic stay as large as what lives, whenever the trainer is restarted', async () => {
  const random = createRandom(7)
  const log = await openLog()
  const trainer = new Trainer(log)
  await trainer.restart()
  const made = new Map<string, Model[]>()
  const addTo = async (instance: string, hour: number) => {
    const modelId = `${instance}/${hour}`
    const model = version(modelId, instance, {
      createdAtMs: trainer.nowMs,
      stateAtMs: trainer.nowMs,
      artefactUri: `${modelId}.lwm`,
    })
    made.set(instance, [...(made.get(instance) ?? []), model])
    await trainer.promote(model)
  }
  const hours = 12 * 24
  let largest = 0
  for (let hour = 0; hour < hours; hour++) {
    trainer.nowMs += hourMs
    // Five machines that stay, and a pod that is another every four hours; each gets a version when it comes and now and then.
    const pod = `pod-${Math.floor(hour / 4)}`
    const there = ['m0', 'm1', 'm2', 'm3', 'm4', pod]
    await come(log, trainer.nowMs, ...there)
    for (const instance of there) if (!made.has(instance) || random() < 0.02) await addTo(instance, hour)
    await trainer.tidyUp()
    if (random() < 0.05) await trainer.restart()
    const { versions, entities, places } = await trainer.size()
    largest = Math.max(largest, versions)
    // A pod is remembered for a day and two looks; what stands beside the versions is one record.
    expect(entities).toBeLessThanOrEqual(5 + 8)
    expect(versions).toBeLessThanOrEqual(2 * entities + 5)
    expect(places).toBeLessThanOrEqual(versions + 1)
    for (const instance of there) {
      const newest = made.get(instance)!.at(-1)!
      expect(trainer.registry.inForce(newest.scope)?.modelId).toBe(newest.modelId)
    }
  }
  expect(made.size).toBe(5 + hours / 4)
  await trainer.restart()
  const kept = new Set(trainer.registry.all().map(({ artefactUri }) => artefactUri))
  expect([...trainer.removed].filter((uri) => kept.has(uri))).toEqual([])
  const all = [...made.values()].flat().map(({ artefactUri }) => artefactUri)
  const left = all.filter((uri) => !kept.has(uri) && !trainer.removed.has(uri))
  expect(left).toEqual([...trainer.registry.known.leftArtefacts])
  expect(largest).toBeLessThan(made.size)
})
