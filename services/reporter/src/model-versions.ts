/** The versions of batch models as the page shows them, folded from the models topic: a registry for each partition, as the trainers keep them. */
import type { Model } from '@lapwing/contracts/records'
import { seriesText } from '@lapwing/contracts/series'
import { mayBecome } from '@lapwing/models/life'
import { entityScope, ModelRegistry } from '@lapwing/models/registry'
import { progressOf } from '@lapwing/models/training-progress'
import type { LogRecord } from '@lapwing/stream/log'
import type { ModelView, NextRun } from './api-model.ts'

export class ModelVersions {
  readonly #registries = new Map<number, ModelRegistry>()
  /** When the newest record of each version was written, by its id. */
  readonly #writtenMs = new Map<string, number>()

  /** Throws a DecodeError. */
  take(record: LogRecord): void {
    const registry = this.#registries.get(record.partition) ?? new ModelRegistry()
    this.#registries.set(record.partition, registry)
    registry.take(record)
    const modelId = Buffer.from(record.key ?? []).toString()
    if (record.value) this.#writtenMs.set(modelId, record.timestampMs)
    else this.#writtenMs.delete(modelId)
  }

  /** By what they score, newest first. */
  views(): ModelView[] {
    const views = [...this.#registries.values()].flatMap((registry) => registry.all().map((model) => this.#view(model, registry)))
    return views.sort((a, b) => compare(a.entity, b.entity) || b.createdAtMs - a.createdAtMs || compare(a.modelId, b.modelId))
  }

  /** The version and the partition that its records stand on. */
  find(modelId: string): { readonly view: ModelView; readonly partition: number } | undefined {
    for (const [partition, registry] of this.#registries) {
      const model = registry.find(modelId)
      if (model) return { view: this.#view(model, registry), partition }
    }
    return undefined
  }

  /** What the schedule has planned and what was asked for and waits, the next one first. */
  nextRuns(): NextRun[] {
    const runs = [...this.#registries.values()].flatMap((registry) => [...scheduledRuns(registry), ...waitingRuns(registry)])
    return runs.sort((a, b) => a.atMs - b.atMs || compare(a.entity, b.entity))
  }

  #view(model: Model, registry: ModelRegistry): ModelView {
    return modelView(model, registry, this.#writtenMs.get(model.modelId) ?? model.stateAtMs)
  }
}

function scheduledRuns(registry: ModelRegistry): NextRun[] {
  return registry.plan.map(({ scope, atMs, reason }) => {
    return { scope, entity: entityOf(scope, registry), atMs, by: 'schedule', reason }
  })
}

function waitingRuns(registry: ModelRegistry): NextRun[] {
  const waiting = registry.all().filter((model) => model.state === 'requested' && !progressOf(model))
  return waiting.map(({ scope, trainedToMs, reason }) => {
    return { scope, entity: entityOf(scope, registry), atMs: trainedToMs, by: 'request', reason }
  })
}

/** As its newest labels name it, which a version has once it is trained; its key before that. */
function entityOf(scope: string, registry: ModelRegistry): string {
  const named = registry.ofScope(scope).findLast(({ labels }) => labels.length > 0)
  return named ? seriesText(named.labels) : scope.slice(entityScope.length)
}

/** @param writtenMs when its record was written */
function modelView(model: Model, registry: ModelRegistry, writtenMs: number): ModelView {
  const { modelId, scope, kind, state, createdAtMs, stateAtMs, trainedFromMs, trainedToMs, trainedRows } = model
  const isInForce = registry.inForce(scope)?.modelId === modelId
  const progress = progressOf(model)
  const leftMs = progress?.leftSeconds === undefined ? undefined : progress.leftSeconds * 1000
  return {
    ...{ modelId, scope, kind, state, createdAtMs, stateAtMs, trainedFromMs, trainedToMs, trainedRows, isInForce },
    ...{ parentId: model.parentId, reason: model.reason, decision: model.decision, channels: [...model.channels] },
    entity: entityOf(scope, registry),
    metrics: progress ? [] : model.metrics.map(({ name, value }) => ({ name, value: Number.isFinite(value) ? value : null })),
    progress: progress ? { share: progress.share, leftMs: leftMs ?? null, atMs: writtenMs } : null,
    mayPromote: !isInForce && model.sha256 !== '' && mayBecome(model, 'promoted'),
    mayRollBack: isInForce || state === 'shadow',
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
