import { decode, encode } from '@lapwing/contracts/codec'
import { float32Column, float64Column } from '@lapwing/contracts/columns'
import { episodeEnd } from '@lapwing/contracts/episode-end'
import type { Anomaly, Control, Model } from '@lapwing/contracts/records'
import { seriesText } from '@lapwing/contracts/series'
import { seriesStates } from '@lapwing/contracts/series-state'
import { labelReader } from '@lapwing/contracts/series-table'
import { emptyModel } from '@lapwing/models/registry'
import { type ArtefactStore, ArtefactStoreError } from '@lapwing/models/weights'
import type { LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import type { StatefulStep } from '@lapwing/stream/stateful-stage'
import { describe, expect, test } from 'vitest'
import { takeCheckpoint } from '../../testing/checkpoint.ts'
import { entity, entityOf, live, names, stepMs, store, version } from '../../testing/entity-under-model.ts'
import { createEntityStep, type EntityObservation, entityStateVersion } from './entity-step.ts'

/** A step, and what it has said. */
class Service {
  readonly outputs: OutgoingRecord[] = []
  readonly seen: EntityObservation[] = []
  readonly step: StatefulStep

  /** @param leftOpen what an earlier one left on the topic of anomalies */
  constructor(weights: ArtefactStore = store, leftOpen: readonly Anomaly[] = []) {
    this.step = createEntityStep({
      scoresTopic: 'scores',
      anomaliesTopic: 'anomalies',
      controlTopic: 'control',
      store: weights,
      shadowRows: 50,
      readLeftOpen: async () => leftOpen,
      observe: (observation) => this.seen.push(observation),
    })
  }

  apply(model: Model): this {
    this.step.apply!(recordOf(model))
    return this
  }

  /** The record of that version is gone from the topic. */
  forget(modelId: string): this {
    this.step.apply!({ ...recordOf(emptyModel), key: Buffer.from(modelId), value: null })
    return this
  }

  feed(records: readonly LogRecord[]): this {
    for (const record of records) this.step.process(record, (output) => this.outputs.push(output))
    return this
  }

  /** Another process with what this one puts down now. */
  takenOver(): Service {
    const next = new Service()
    for (const { key, snapshot } of takeCheckpoint(this.step).states) next.step.restore(key, snapshot, entityStateVersion)
    return next
  }

  of(topic: string): Uint8Array[] {
    return this.outputs.filter((output) => output.topic === topic).map(({ value }) => value!)
  }

  scores(source = 'lapwing_entity_score') {
    const batches = this.of('scores').map((value) => decode('ScoreBatch', value))
    return batches.filter((batch) => batch.source === source)
  }

  anomalies() {
    return this.of('anomalies').map((value) => decode('Anomaly', value))
  }

  controls(): Control[] {
    return this.of('control').map((value) => decode('Control', value))
  }
}

function recordOf(model: Model): LogRecord {
  return {
    topic: 'models',
    partition: 3,
    offset: 0n,
    timestampMs: 0,
    key: null,
    value: encode('Model', model),
    headers: new Map(),
  }
}

describe('an entity under a batch model', () => {
  test('without a model nothing is said, and the batch not even read', () => {
    const broken = { ...live(0, 1)[0]!, value: Buffer.from('broken') }
    expect(new Service().feed([broken]).outputs).toEqual([])
  })

  test('is scored row by row by the version in force, and told of when its channels no longer fit together', async () => {
    const service = new Service().apply(await version('pca/1', 'promoted', 1))
    service
      .feed(live(0, 100))
      .feed(live(100, 20, true))
      .feed(live(120, 40))
    const scores = service.scores()
    expect(scores).toHaveLength(158)
    expect(new Set(scores.map(({ model }) => model))).toEqual(new Set(['pca/1']))
    expect(seriesText(labelReader(scores[0]!.series)(0))).toBe('lapwing_entity_score{instance="a",job="shop"}')
    const timesMs = scores.flatMap(({ timestampsMs }) => [...float64Column(timestampsMs)])
    expect(timesMs).toEqual(Array.from({ length: 158 }, (_, row) => row * stepMs))
    expect(scores.slice(0, 9).map(({ states }) => seriesStates[states[0]!])).toEqual(Array(9).fill('warming'))
    const above = scores.map(({ scores: column }) => float32Column(column)[0]! > 1)
    expect(above.slice(0, 100).filter(Boolean)).toHaveLength(0)
    expect(above.slice(102, 118).every(Boolean)).toBe(true)
    const [opened, ...later] = service.anomalies()
    expect(opened).toMatchObject({ state: 'open', entityKey: entity, metric: 'lapwing_entity_score', model: 'pca/1' })
    expect(opened!.reasons[0]!.name).toBe(`multivariate:${names[2]}`)
    expect(opened!.reasons.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9)
    expect(later.at(-1)).toMatchObject({ state: 'resolved', episodeId: opened!.episodeId })
  })

  test('whose state is gone ends what was open of it, once, behind what was answered', async () => {
    const before = new Service()
      .apply(await version('pca/1', 'promoted', 1))
      .feed(live(0, 100))
      .feed(live(100, 10, true))
    const [opened] = before.anomalies()
    expect(before.anomalies().map(({ state }) => state)).not.toContain('resolved')
    const next = new Service(store, [opened!])
    const begin = await next.step.beginAnew!()
    begin({ answeredBefore: 200n, unseenFrom: 220n })
    expect(next.feed(live(100, 10, true)).outputs).toEqual([])
    const after = next.takenOver().feed(live(110, 5))
    expect(after.anomalies()).toMatchObject([
      { episodeId: opened!.episodeId, state: 'resolved', endReason: 'began_anew', observedAtMs: 110 * stepMs + 5000 },
    ])
    expect(after.takenOver().feed(live(115, 5)).outputs).toEqual([])
  })

  test('in shadow is written down and told to nobody, and after its time may come into force', async () => {
    const service = new Service().apply(await version('pca/1', 'promoted', 1)).apply(await version('pca/2', 'shadow', 2, 2))
    service
      .feed(live(0, 40))
      .feed(live(40, 10, true))
      .feed(live(50, 20))
    // Both are loud, which says nothing of the shadow: it waits for another stretch.
    expect(service.controls()).toEqual([])
    service.feed(live(70, 60))
    expect(service.scores('lapwing_entity_score_shadow').length).toBe(service.scores().length)
    expect(service.anomalies().every(({ model }) => model === 'pca/1')).toBe(true)
    expect(service.controls()).toMatchObject([{ kind: 'promote', scope: 'model:pca/2', requestedBy: 'shadow' }])
    service.apply(await version('pca/2', 'promoted', 3, 2)).feed(live(130, 1))
    const last = service.scores().at(-1)!
    expect([last.model, seriesStates[last.states[0]!]]).toEqual(['pca/2', 'ok'])
  })

  test('a shadow that stays as loud as the model in force is asked to go', async () => {
    const service = new Service().apply(await version('pca/1', 'promoted', 1)).apply(await version('pca/2', 'shadow', 2, 2))
    service.feed(live(0, 40)).feed(live(40, 190, true))
    expect(service.controls()).toMatchObject([{ kind: 'rollback', scope: 'model:pca/2' }])
    expect(service.controls()[0]!.reason).toMatch(/^in shadow for 50 rows after 150 others, called 100/)
  })

  test('a shadow that calls much anomalous is asked to go', async () => {
    const service = new Service().apply(await version('pca/2', 'shadow', 2))
    service.feed(live(0, 30)).feed(live(30, 40, true))
    expect(service.controls()).toMatchObject([{ kind: 'rollback', scope: 'model:pca/2' }])
    expect(service.controls()[0]!.statistic).toBeGreaterThan(0.3)
  })

  test('rolled back, the episode that was told of ends, under the earlier version or under none', async () => {
    const [first, second] = [await version('pca/1', 'promoted', 1), await version('pca/2', 'promoted', 2, 2)]
    const alone = new Service()
      .apply(first)
      .feed(live(0, 40))
      .feed(live(40, 10, true))
    alone.apply({ ...first, state: 'rolled_back', stateAtMs: 5 }).feed(live(50, 30))
    expect(alone.anomalies().at(-1)).toMatchObject({ state: 'resolved', episodeId: alone.anomalies()[0]!.episodeId })
    const [before, after] = [alone.scores().length, alone.feed(live(80, 10)).scores().length]
    expect(after).toBe(before)

    const both = new Service()
      .apply(first)
      .apply(second)
      .feed(live(0, 40))
      .feed(live(40, 10, true))
    both
      .apply({ ...second, state: 'rolled_back', stateAtMs: 5 })
      .apply({ ...first, stateAtMs: 6 })
      .feed(live(50, 60))
    expect(both.anomalies()[0]).toMatchObject({ state: 'open', model: 'pca/2' })
    expect(both.anomalies().at(-1)).toMatchObject({
      state: 'resolved',
      model: 'pca/1',
      episodeId: both.anomalies()[0]!.episodeId,
    })
  })

  test('weights that were changed are refused, and what was in force stays', async () => {
    const service = new Service().apply(await version('pca/1', 'promoted', 1))
    const changed = await version('pca/2', 'promoted', 2)
    changed.weights![100]! ^= 1
    service.apply(changed).feed(live(0, 20))
    expect(service.seen[0]).toMatchObject({ kind: 'refused', reason: 'changed' })
    expect(service.scores().at(-1)!.model).toBe('pca/1')
  })

  describe('with weights in a store', () => {
    const fetched = new Map<string, Uint8Array>()
    const asked: string[] = []
    let isDown = false
    const bucket: ArtefactStore = {
      put: async () => 'unused',
      get: async (uri) => {
        asked.push(uri)
        if (isDown) throw new ArtefactStoreError('http://minio does not answer')
        return fetched.get(uri)
      },
      remove: async () => {},
    }
    const stored = async (id: string, state: Model['state'], stateAtMs: number): Promise<Model> => {
      const model = await version(id, state, stateAtMs)
      fetched.set(`${id}.lwm`, model.weights!)
      return { ...model, weights: null, artefactUri: `${id}.lwm` }
    }

    test('they are fetched for what scores, for a new owner too, and for nothing else', async () => {
      const service = new Service(bucket)
      await service.step.apply!(recordOf(await stored('pca/1', 'requested', 1)))
      expect(asked).toEqual([])
      await service.step.apply!(recordOf(await stored('pca/1', 'promoted', 2)))
      expect(service.feed(live(0, 20)).scores().at(-1)!.model).toBe('pca/1')
      const next = new Service(bucket)
      for (const { key, snapshot } of takeCheckpoint(service.step).states)
        await next.step.restore(key, snapshot, entityStateVersion)
      expect(next.feed(live(20, 20)).scores().at(-1)!.model).toBe('pca/1')
      expect(asked).toEqual(['pca/1.lwm', 'pca/1.lwm'])
    })

    test('a changed byte is refused; a store that does not answer is waited for', async () => {
      const service = new Service(bucket)
      const model = await stored('pca/1', 'promoted', 1)
      isDown = true
      await expect(service.step.apply!(recordOf(model))).rejects.toMatchObject({ code: 'step_waits', retryable: true })
      isDown = false
      fetched.get('pca/1.lwm')![100]! ^= 1
      await service.step.apply!(recordOf(model))
      expect(service.seen).toMatchObject([{ kind: 'refused', reason: 'changed' }])
      fetched.clear()
      await service.step.apply!(recordOf(model))
      expect(service.seen.at(-1)).toMatchObject({ kind: 'refused', reason: 'absent' })
    })
  })

  test('another owner goes on bit for bit, whenever it takes over', async () => {
    const models = [await version('pca/1', 'promoted', 1), await version('pca/2', 'shadow', 2, 2)]
    const records = [...live(0, 40), ...live(40, 10, true), ...live(50, 70)]
    const whole = new Service()
    for (const model of models) whole.apply(model)
    whole.feed(records)
    for (const cut of [0, 7, 81, 85, 120, 200]) {
      const before = new Service()
      for (const model of models) before.apply(model)
      const after = before.feed(records.slice(0, cut)).takenOver().feed(records.slice(cut))
      expect([...before.outputs, ...after.outputs]).toEqual(whole.outputs)
    }
  })

  test('what scores no longer leaves the state topic', async () => {
    const keyOf = (role: number, tag: number) => `${entity}0${role}0${tag}`
    const first = await version('pca/1', 'promoted', 1)
    const second = await version('pca/2', 'shadow', 2, 2)
    const service = new Service().apply(first).apply(second).feed(live(0, 5))
    const { forgotten, states } = takeCheckpoint(service.step)
    expect([forgotten, states.map(({ key }) => Buffer.from(key).toString('hex'))]).toEqual([
      [],
      [keyOf(0, 0), keyOf(1, 0), keyOf(0, 1), keyOf(1, 1)],
    ])
    service.apply({ ...second, state: 'rejected', stateAtMs: 3 }).feed(live(5, 1))
    expect(takeCheckpoint(service.step).forgotten).toEqual([keyOf(1, 0), keyOf(1, 1)])
    service.apply({ ...first, state: 'rolled_back', stateAtMs: 4 }).feed(live(6, 1))
    expect(takeCheckpoint(service.step)).toEqual({ forgotten: [keyOf(0, 0), keyOf(0, 1)], states: [] })
  })

  test('that is gone is scored no longer and leaves the state topic, whoever owns it by then; others go on', async () => {
    const service = new Service()
      .apply(await version('pca/1', 'promoted', 1))
      .apply(await version('pca/2', 'shadow', 2, 2))
      .apply(await version('pca/b', 'promoted', 1, 3, 'b'))
      .feed(live(0, 20))
      .feed(live(0, 20, false, 9, 'b'))
    const { states } = takeCheckpoint(service.step)
    expect(states).toHaveLength(6)
    const next = new Service()
    for (const { key, snapshot } of states) next.step.restore(key, snapshot, entityStateVersion)
    for (const gone of [service, next]) {
      const before = gone.outputs.length
      gone.forget('pca/1').forget('pca/2').forget('pca/0').feed(live(20, 20))
      expect(gone.outputs).toHaveLength(before)
      const { forgotten, states: left } = takeCheckpoint(gone.step)
      expect(forgotten.toSorted()).toEqual(['0000', '0001', '0100', '0101'].map((end) => `${entity}${end}`))
      expect(left).toEqual([])
      const scores = gone.feed(live(20, 10, false, 9, 'b')).scores()
      expect([scores.at(-1)!.model, seriesStates[scores.at(-1)!.states[0]!]]).toEqual(['pca/b', 'ok'])
      expect(takeCheckpoint(gone.step).states.map(({ key }) => Buffer.from(key).toString('hex'))).toEqual([
        `${entityOf('b')}0001`,
      ])
    }
  })

  test('that is gone in an episode ends it with the next batch of another one, also under another owner', async () => {
    const service = new Service()
      .apply(await version('pca/1', 'promoted', 1))
      .apply(await version('pca/b', 'promoted', 1, 3, 'b'))
      .feed(live(0, 100))
      .feed(live(100, 10, true))
    const [opened] = service.anomalies()
    service.forget('pca/1')
    const next = new Service()
    for (const { key, snapshot } of takeCheckpoint(service.step).states) next.step.restore(key, snapshot, entityStateVersion)
    for (const gone of [service, next]) {
      gone.feed(live(200, 2, false, 9, 'b'))
      const ended = gone.anomalies().filter(({ state }) => state === 'resolved')
      expect(ended).toMatchObject([{ episodeId: opened!.episodeId, endedAtMs: 200 * stepMs + 5000 }])
      expect(ended.map(episodeEnd)).toEqual(['series_gone'])
      expect(takeCheckpoint(gone.step).forgotten).toHaveLength(2)
    }
  })

  test('whose newer versions were refused keeps the one in force until all of them are forgotten', async () => {
    const service = new Service().apply(await version('pca/1', 'promoted', 1))
    const broken = async (id: string, stateAtMs: number) => {
      const model = await version(id, 'promoted', stateAtMs)
      model.weights![100]! ^= 1
      return model
    }
    service.apply(await broken('pca/2', 2)).apply(await broken('pca/3', 3))
    // Old, as far as the registry knows.
    service.forget('pca/1').forget('pca/2')
    expect(service.feed(live(0, 20)).scores().at(-1)!.model).toBe('pca/1')
    service.forget('pca/3')
    const scored = service.scores().length
    expect(service.feed(live(20, 20)).scores()).toHaveLength(scored)
  })

  test('whose weights were refused on restoring leaves the state topic when it is gone', async () => {
    const service = new Service().apply(await version('pca/1', 'promoted', 1)).feed(live(0, 5))
    const next = new Service()
    for (const { key, snapshot } of takeCheckpoint(service.step).states) {
      const model = key.at(-1) === 0 ? encode('Model', { ...decode('Model', snapshot), weights: null }) : snapshot
      next.step.restore(key, model, entityStateVersion)
    }
    expect(next.seen).toMatchObject([{ kind: 'refused', reason: 'absent' }])
    expect(takeCheckpoint(next.forget('pca/1').step).forgotten).toHaveLength(2)
  })

  test('what 0.1.0 left empty on the state topic leaves it, unless it is there anew', async () => {
    const service = new Service()
    const keys = [0, 1].map((tag) => Uint8Array.of(...Buffer.from(entity, 'hex'), 0, tag))
    for (const key of keys) await service.step.restore(key, new Uint8Array(0), entityStateVersion)
    expect(takeCheckpoint(service.step).forgotten).toHaveLength(2)
    for (const key of keys) await service.step.restore(key, new Uint8Array(0), entityStateVersion)
    service.apply(await version('pca/1', 'promoted', 1))
    const { forgotten, states } = takeCheckpoint(service.step)
    expect([forgotten, states.map(({ key }) => key)]).toEqual([[], keys])
  })

  test('retired it stays retired under another owner', async () => {
    const first = await version('pca/1', 'promoted', 1)
    const service = new Service()
      .apply(first)
      .feed(live(0, 40))
      .apply({ ...first, state: 'rolled_back', stateAtMs: 5 })
    expect(service.takenOver().feed(live(40, 20)).scores()).toEqual([])
  })
})
