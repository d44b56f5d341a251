import { encode } from '@lapwing/contracts/codec'
import type { Model } from '@lapwing/contracts/records'
import { emptyModel, planRecord } from '@lapwing/models/registry'
import { progressMetrics } from '@lapwing/models/training-progress'
import type { LogRecord } from '@lapwing/stream/log'
import { describe, expect, test } from 'vitest'
import { ModelVersions } from './model-versions.ts'

const model = (modelId: string, about: Partial<Model>): Model => ({
  ...emptyModel,
  ...{ modelId, scope: 'entity:aa', kind: 'pca', state: 'promoted', sha256: 'ff', labels: [{ name: 'instance', value: 'db-1' }] },
  ...about,
})

function versionsOf(...models: readonly (readonly [partition: number, model: Model])[]): ModelVersions {
  const versions = new ModelVersions()
  for (const [partition, one] of models) {
    const place = { topic: 'models', partition, offset: 0n, timestampMs: 77, headers: new Map() }
    versions.take({ ...place, key: Buffer.from(one.modelId), value: encode('Model', one) } satisfies LogRecord)
  }
  return versions
}

describe('versions of models', () => {
  test('of the promoted versions the newest is in force; what may be done with each is said', () => {
    const versions = versionsOf(
      [1, model('m/1', { createdAtMs: 1, stateAtMs: 10, metrics: [{ name: 'recall', value: Number.NaN }] })],
      [1, model('m/2', { createdAtMs: 2, stateAtMs: 20, metrics: [{ name: 'recall', value: 0.9 }] })],
      [1, model('m/3', { createdAtMs: 3, stateAtMs: 30, state: 'shadow' })],
      [0, model('n/1', { scope: 'entity:bb', labels: [], state: 'requested', sha256: '' })],
    )
    const rows = versions.views().map(({ modelId, entity, isInForce, mayPromote, mayRollBack }) => {
      return [modelId, entity, isInForce, mayPromote, mayRollBack]
    })
    expect(rows).toEqual([
      ['n/1', 'bb', false, false, false],
      ['m/3', '{instance="db-1"}', false, true, true],
      ['m/2', '{instance="db-1"}', true, false, true],
      ['m/1', '{instance="db-1"}', false, true, false],
    ])
    expect(versions.find('m/2')?.partition).toBe(1)
    expect(versions.find('m/1')?.view.metrics).toEqual([{ name: 'recall', value: null }])
    expect(versions.find('nobody')).toBeUndefined()
  })

  test('of a version in training is said how far it is, and not among the numbers of its validation', () => {
    const metrics = progressMetrics({ share: 0.4, leftSeconds: 12 })
    const training = versionsOf([0, model('m/1', { state: 'requested', sha256: '', metrics })])
    expect(training.views()).toMatchObject([{ progress: { share: 0.4, leftMs: 12_000, atMs: 77 }, metrics: [] }])
    expect(versionsOf([0, model('m/1', {})]).views()).toMatchObject([{ progress: null }])
  })

  test('of all partitions is said what is retrained next: by the schedule, or because it was asked for', () => {
    const waiting = { createdAtMs: 2, state: 'requested', sha256: '', labels: [], trainedToMs: 300, reason: 'drift' } as const
    const versions = versionsOf(
      [0, model('m/1', { createdAtMs: 1 })],
      [0, planRecord([{ scope: 'entity:aa', atMs: 500, reason: 'the schedule, daily' }])],
      [0, model('m/2', waiting)],
      [1, planRecord([{ scope: 'entity:bb', atMs: 400, reason: 'the schedule, daily' }])],
    )
    expect(versions.nextRuns()).toEqual([
      { scope: 'entity:aa', entity: '{instance="db-1"}', atMs: 300, by: 'request', reason: 'drift' },
      { scope: 'entity:bb', entity: 'bb', atMs: 400, by: 'schedule', reason: 'the schedule, daily' },
      { scope: 'entity:aa', entity: '{instance="db-1"}', atMs: 500, by: 'schedule', reason: 'the schedule, daily' },
    ])
    const training = { ...waiting, metrics: progressMetrics({ share: 0.1, leftSeconds: undefined }) }
    expect(versionsOf([0, model('m/2', training)]).nextRuns()).toEqual([])
  })

  test('a tombstone takes a version away', () => {
    const versions = versionsOf([0, model('m/1', {})])
    versions.take({
      topic: 'models',
      partition: 0,
      offset: 1n,
      timestampMs: 0,
      headers: new Map(),
      key: Buffer.from('m/1'),
      value: null,
    })
    expect(versions.views()).toEqual([])
  })
})
