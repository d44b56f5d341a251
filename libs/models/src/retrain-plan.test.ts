import type { Model } from '@lapwing/contracts/records'
import { describe, expect, test } from 'vitest'
import { modelIdOf } from './control-decision.ts'
import { emptyModel, ModelRegistry, planRecord } from './registry.ts'
import { planRuns, type RetrainSchedule, scheduledRequest } from './retrain-plan.ts'

const hourMs = 3_600_000
const scope = `entity:${'ab'.repeat(16)}`
/** Every 24 hours of the epoch. */
const daily: RetrainSchedule = {
  nextRunMs: (_, afterMs) => (Math.floor(afterMs / (24 * hourMs)) + 1) * 24 * hourMs,
  text: '0 0 * * *',
}

function registryWith(...models: Partial<Model>[]): ModelRegistry {
  const registry = new ModelRegistry()
  for (const model of models) registry.put({ ...emptyModel, scope, kind: 'pca', state: 'promoted', ...model })
  return registry
}

function plan(registry: ModelRegistry, nowHour: number, { schedule = daily, asked = new Map<string, number>() } = {}) {
  return planRuns({ registry, schedule, kind: 'pca', nowMs: nowHour * hourMs, asked }).map(({ atMs }) => atMs / hourMs)
}

describe('the plan of retraining', () => {
  const registry = registryWith({ modelId: 'pca/1', createdAtMs: 30 * hourMs })

  test('an entity with a model in force has a next run, one without has none', () => {
    expect(plan(registry, 31)).toEqual([48])
    expect(plan(registryWith({ modelId: 'pca/1', state: 'rejected' }), 31)).toEqual([])
    expect(plan(new ModelRegistry(), 31)).toEqual([])
    expect(plan(registry, 31, { schedule: { nextRunMs: () => undefined, text: '' } })).toEqual([])
  })

  test('a run is due at its time, and within an hour after it when nobody was there', () => {
    expect(plan(registry, 48)).toEqual([48])
    expect(plan(registry, 48.9)).toEqual([48])
    expect(plan(registry, 49)).toEqual([72])
  })

  test('what was asked for is not asked for again, by whoever remembers it', () => {
    const asked = new Map([[scope, 48 * hourMs]])
    expect(plan(registry, 48.5, { asked })).toEqual([72])
    const { id } = scheduledRequest({ scope, atMs: 48 * hourMs }, daily)
    const version = { modelId: modelIdOf('pca', id), state: 'requested' as const, createdAtMs: 47.9 * hourMs }
    const answered = registryWith({ modelId: 'pca/1', createdAtMs: 30 * hourMs }, version)
    expect(plan(answered, 48.5)).toEqual([72])
  })

  test('a newer version begins the count anew', () => {
    expect(plan(registryWith({ modelId: 'pca/2', createdAtMs: 48.2 * hourMs }), 48.5)).toEqual([72])
  })

  test('the request is the same whoever makes it, and another each time', () => {
    const request = scheduledRequest({ scope, atMs: 48 * hourMs }, daily)
    expect(request).toEqual(scheduledRequest({ scope, atMs: 48 * hourMs }, daily))
    expect(request).toMatchObject({ kind: 'retrain', scope, requestedBy: 'schedule', reason: 'the schedule, 0 0 * * *' })
    expect(scheduledRequest({ scope, atMs: 72 * hourMs }, daily).id).not.toBe(request.id)
  })

  test('a plan that was written down is read again', () => {
    const read = registryWith()
    const runs = planRuns({ registry, schedule: daily, kind: 'pca', nowMs: 31 * hourMs, asked: new Map() })
    read.put(planRecord(runs))
    expect(read.plan).toEqual(runs)
    expect(runs).toEqual([{ scope, atMs: 48 * hourMs, reason: 'the schedule, 0 0 * * *' }])
    expect(read.all()).toEqual([])
  })
})
