import type { Model } from '@lapwing/contracts/records'
import { describe, expect, test } from 'vitest'
import { oldVersions } from './old-versions.ts'
import { emptyModel, ModelRegistry } from './registry.ts'

const scope = `entity:${'ab'.repeat(16)}`

/** Versions in these states, made and changed one after the other. */
function registryOf(...states: readonly Model['state'][]): ModelRegistry {
  const registry = new ModelRegistry()
  for (const [i, state] of states.entries())
    registry.put({ ...emptyModel, modelId: String(i), scope, state, createdAtMs: i, stateAtMs: i })
  return registry
}

const old = (registry: ModelRegistry, kept: number) => oldVersions(registry, kept).map(({ modelId }) => modelId)

describe('old versions', () => {
  test('are those before the newest ones', () => {
    const registry = registryOf('rejected', 'rolled_back', 'promoted', 'promoted', 'rejected', 'promoted')
    expect(old(registry, 2)).toEqual(['0', '1', '2'])
    expect(old(registry, 5)).toEqual(['0'])
    expect(old(registry, 6)).toEqual([])
  })

  test('are never what is in force, what a rollback would bring back, or what is on its way', () => {
    expect(
      old(registryOf('requested', 'trained', 'validated', 'shadow', 'promoted', 'promoted', 'rejected', 'rejected'), 1),
    ).toEqual(['6'])
  })

  test('are counted for each entity', () => {
    const registry = registryOf('rejected', 'rejected')
    registry.put({ ...emptyModel, modelId: 'other', scope: `entity:${'cd'.repeat(16)}`, state: 'rejected' })
    expect(old(registry, 1)).toEqual(['0'])
  })
})
