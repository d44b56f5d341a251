import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encode } from '@lapwing/contracts/codec'
import type { Control, Model } from '@lapwing/contracts/records'
import type { TrainedModel } from '@lapwing/deep/model'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { artefactFolder } from './artefact-folder.ts'
import { decideControl, dueWork, modelIdOf, type TrainingPolicy } from './control-decision.ts'
import { LifeError, mayBecome, moved } from './life.ts'
import { ModelRegistry, positionRecord } from './registry.ts'
import { ArtefactStoreError, inlineBytesMax, packWeights, readWeights, unpackWeights } from './weights.ts'

const scope = `entity:${'ab'.repeat(16)}`
const hourMs = 3_600_000
const policy: TrainingPolicy = {
  kind: 'multiscale-pca',
  configHash: 'c',
  stepMs: 60_000,
  historyMs: 24 * hourMs,
  settleMs: 4 * hourMs,
  cooldownMs: 6 * hourMs,
  afterQuietHours: (atMs) => atMs,
}

const control = (fields: Partial<Control>): Control => ({
  id: 'r1',
  kind: 'retrain',
  scope,
  reason: 'scores moved',
  detector: 'adwin',
  statistic: 1,
  threshold: 0.1,
  seriesKey: '',
  labels: [],
  requestedBy: 'drift',
  requestedAtMs: 100 * hourMs,
  ...fields,
})

/** A registry to which things happen. */
class Story {
  readonly registry = new ModelRegistry()
  newestMs = 100 * hourMs
  decide(fields: Partial<Control>) {
    const outcome = decideControl(this.registry, control(fields), this.newestMs, policy)
    for (const model of outcome.changed) this.put(model)
    return outcome
  }
  put(model: Model) {
    this.registry.take({ key: Buffer.from(model.modelId), value: encode('Model', model) })
  }
  /** As a trainer would, up to shadow. */
  work(): Model {
    for (;;) {
      const due = dueWork(this.registry, this.newestMs)
      if (!due) return this.registry.ofScope(scope).at(-1)!
      const to = ({ train: 'trained', validate: 'validated', begin_shadow: 'shadow' } as const)[due.action]
      const atMs = this.registry.nextChangeMs(scope, this.newestMs)
      this.put({ ...moved(due.model, to, { atMs, decision: to }), sha256: 'aa' })
    }
  }
  /** A version asked for by a person and promoted at that hour. */
  promoted(id: string, atHour: number): string {
    this.newestMs = atHour * hourMs
    this.decide({ id, requestedBy: 'person', requestedAtMs: this.newestMs })
    const { modelId } = this.work()
    this.decide({
      id: `${id}-p`,
      kind: 'promote',
      scope: `model:${modelId}`,
      requestedBy: 'shadow',
      requestedAtMs: this.newestMs,
    })
    return modelId
  }
}

describe('the life of a model', () => {
  test('leads past validation only by hand', () => {
    const states = ['requested', 'trained', 'validated', 'shadow', 'promoted', 'rejected', 'rolled_back'] as const
    const steps = states.flatMap((from) => states.filter((to) => mayBecome({ state: from }, to)).map((to) => `${from} ${to}`))
    expect(steps).toEqual([
      'requested trained',
      'requested rejected',
      'trained validated',
      'trained rejected',
      'validated shadow',
      'shadow promoted',
      'shadow rejected',
      'promoted promoted',
      'promoted rolled_back',
      'rejected promoted',
      'rolled_back promoted',
    ])
    const requested = new Story().decide({ requestedBy: 'person' }).changed[0]!
    expect(() => moved(requested, 'promoted', { atMs: 1, decision: '' })).toThrow(LifeError)
  })
})

describe('requests', () => {
  test('one is trained after the new regime has settled, on what lies before', () => {
    const story = new Story()
    expect(story.decide({})).toMatchObject({ outcome: 'declined', why: expect.stringContaining('no model that drift') })
    expect(story.decide({ detector: 'count' }).outcome).toBe('admitted')
    story.registry.take({ key: Buffer.from(modelIdOf('multiscale-pca', 'r1')), value: null })
    story.promoted('a', 90)
    const { outcome, changed } = story.decide({})
    expect(outcome).toBe('admitted')
    expect(changed[0]).toMatchObject({
      modelId: modelIdOf('multiscale-pca', 'r1'),
      state: 'requested',
      trainedFromMs: 80 * hourMs,
      trainedToMs: 104 * hourMs,
      reason: 'scores moved',
    })
    expect(dueWork(story.registry, 104 * hourMs - 1)).toBeUndefined()
    expect(dueWork(story.registry, 104 * hourMs)).toMatchObject({ action: 'train' })
  })

  test('the same request, one while a version is on its way, and one of a time already learned from are declined', () => {
    const story = new Story()
    story.promoted('a', 90)
    story.decide({})
    expect(story.decide({})).toMatchObject({ outcome: 'declined', why: expect.stringContaining('answers this request') })
    expect(story.decide({ id: 'r2' })).toMatchObject({ outcome: 'declined', why: expect.stringContaining('on its way') })
    story.newestMs = 104 * hourMs
    const { modelId } = story.work()
    story.decide({ id: 'p', kind: 'promote', scope: `model:${modelId}`, requestedBy: 'shadow' })
    expect(story.decide({ id: 'r3', requestedAtMs: 104 * hourMs }).outcome).toBe('declined')
  })

  test('what falls into quiet hours waits for their end, but for a person', () => {
    const quiet = { ...policy, afterQuietHours: (atMs: number) => Math.max(atMs, 120 * hourMs) }
    const trainedTo = (fields: Partial<Control>) =>
      decideControl(new ModelRegistry(), control(fields), 100 * hourMs, quiet).changed[0]!.trainedToMs / hourMs
    expect(trainedTo({ requestedBy: 'schedule' })).toBe(120)
    expect(trainedTo({ requestedBy: 'drift', detector: 'count' })).toBe(120)
    expect(trainedTo({ requestedBy: 'person' })).toBe(100)
  })

  test('one within the cooldown waits for its end', () => {
    const story = new Story()
    story.promoted('a', 99)
    const { outcome, changed } = story.decide({})
    expect([outcome, changed[0]!.trainedToMs]).toEqual(['admitted', 105 * hourMs])
  })

  test('drift that asks again after its candidate was rejected gets another one, of the rows since', () => {
    const story = new Story()
    story.promoted('a', 90)
    story.decide({})
    story.newestMs = 104 * hourMs
    const { modelId } = story.work()
    story.decide({ id: 'no', kind: 'rollback', scope: `model:${modelId}`, requestedBy: 'shadow', requestedAtMs: 105 * hourMs })
    const { outcome, changed } = story.decide({ id: 'again', requestedAtMs: 106 * hourMs })
    expect([outcome, changed[0]!.trainedToMs]).toEqual(['admitted', 110 * hourMs])
    expect(story.registry.ofScope(scope).map(({ state }) => state)).toEqual(['promoted', 'rejected', 'requested'])
  })

  test('a person waits for nothing', () => {
    const story = new Story()
    const { outcome, changed } = story.decide({ requestedBy: 'person', requestedAtMs: 101 * hourMs })
    expect(outcome).toBe('admitted')
    expect(changed[0]!.trainedToMs).toBe(story.newestMs)
    expect(dueWork(story.registry, story.newestMs)).toMatchObject({ action: 'train' })
  })

  test('a request about a series, or about anything else, is declined', () => {
    for (const other of ['series:ab', 'entity:xyz', '', 'model:m'])
      expect(new Story().decide({ scope: other }).outcome).toBe('declined')
  })
})

describe('what is in force', () => {
  test('the version promoted last; a rollback brings the one before it back; again by hand', () => {
    const story = new Story()
    const first = story.promoted('a', 100)
    const second = story.promoted('b', 110)
    expect(story.registry.inForce(scope)?.modelId).toBe(second)
    const by = { requestedBy: 'person', requestedAtMs: 111 * hourMs }
    const { changed } = story.decide({ id: 'c', kind: 'rollback', scope: `model:${second}`, ...by })
    expect(changed.map(({ modelId, state }) => [modelId, state])).toEqual([
      [second, 'rolled_back'],
      [first, 'promoted'],
    ])
    expect(story.registry.inForce(scope)?.modelId).toBe(first)
    expect(story.decide({ id: 'd', kind: 'rollback', scope: `model:${second}`, ...by }).outcome).toBe('declined')
    expect(story.decide({ id: 'e', kind: 'promote', scope: `model:${second}`, ...by }).outcome).toBe('promoted')
    expect(story.registry.inForce(scope)?.modelId).toBe(second)
  })

  test('what the shadow found wrong is rejected, and nothing is in force for it', () => {
    const story = new Story()
    story.decide({ requestedBy: 'person' })
    const { modelId } = story.work()
    const verdict = { id: 's', kind: 'rollback' as const, scope: `model:${modelId}`, requestedBy: 'shadow' }
    expect(story.decide(verdict)).toMatchObject({ outcome: 'rejected', changed: [{ state: 'rejected' }] })
    expect(story.decide(verdict).outcome).toBe('declined')
    expect(story.registry.inForce(scope)).toBeUndefined()
  })

  test('is the same however the records are cut, and whichever are repeated', () => {
    const story = new Story()
    story.promoted('a', 100)
    story.promoted('b', 110)
    const records = story.registry.all().map((model) => ({ key: Buffer.from(model.modelId), value: encode('Model', model) }))
    fc.assert(
      fc.property(fc.shuffledSubarray([...records, ...records], { minLength: records.length * 2 }), (order) => {
        const other = new ModelRegistry()
        for (const record of order) other.take(record)
        expect(other.inForce(scope)).toEqual(story.registry.inForce(scope))
      }),
    )
  })

  test('the position is the furthest, and no version', () => {
    const registry = new ModelRegistry()
    for (const offset of [3, 7, 5]) registry.put(positionRecord(offset))
    expect([registry.position, registry.all()]).toEqual([7, []])
  })
})

describe('weights', () => {
  const trained = (numbers: number): TrainedModel => ({
    kind: 'pca',
    channels: ['a'],
    scale: { means: Float64Array.of(1), deviations: Float64Array.of(2) },
    members: [
      {
        windowRows: 10,
        typicalError: 1,
        net: { type: 'pca', mean: new Float32Array(10), directions: Float32Array.from({ length: numbers }, Math.sin) },
      },
    ],
    threshold: 1.5,
    trainedRows: 100,
    seed: 1,
  })
  const model = new Story().decide({ requestedBy: 'person' }).changed[0]!
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-artefacts-'))
  const store = artefactFolder(folder)
  afterAll(() => rmSync(folder, { recursive: true }))

  test('small ones stand in the record, and every changed byte is refused', async () => {
    const packed = { ...model, ...(await packWeights(trained(20), store)) }
    expect(packed.artefactUri).toBe('')
    expect(unpackWeights(packed)).toEqual(trained(20))
    for (let at = 0; at < packed.weights!.length; at++) {
      const weights = Buffer.from(packed.weights!)
      weights[at]! ^= 1
      expect(() => unpackWeights({ ...packed, weights })).toThrow('not those that were registered')
    }
    const { weights: others } = await packWeights(trained(30), store)
    expect(() => unpackWeights({ ...packed, weights: others })).toThrow('not those that were registered')
  })

  test('large ones stand in the folder; absent, changed, or at an address outside of it they are refused', async () => {
    const large = trained(inlineBytesMax / 4 + 1)
    const packed = { ...model, ...(await packWeights(large, store)) }
    expect(packed.weights).toBeNull()
    expect(await readWeights(packed, store)).toEqual(large)
    await expect(readWeights({ ...packed, artefactUri: `../${packed.artefactUri}` }, store)).rejects.toThrow('no weights')
    const file = join(folder, packed.artefactUri)
    const bytes = readFileSync(file)
    bytes[bytes.length >> 1]! ^= 1
    writeFileSync(file, bytes)
    await expect(readWeights(packed, store)).rejects.toThrow('not those that were registered')
    await store.remove('../../x')
    await store.remove(packed.artefactUri)
    await store.remove(packed.artefactUri)
    await expect(readWeights(packed, store)).rejects.toThrow('no weights')
  })

  test('a folder that cannot be written says so', async () => {
    const file = join(folder, 'a-file')
    writeFileSync(file, '')
    await expect(artefactFolder(file).put('ab'.repeat(32), Buffer.from('x'))).rejects.toThrow(ArtefactStoreError)
  })
})
