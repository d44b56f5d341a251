import { encode } from '@lapwing/contracts/codec'
import type { Model } from '@lapwing/contracts/records'
import { emptyModel } from '@lapwing/models/registry'
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
    const place = { topic: 'models', partition, offset: 0n, timestampMs: 0, headers: new Map() }
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
