/** The versions of batch models as the page shows them, folded from the models topic: a registry for each partition, as the trainers keep them. */
import type { Model } from '@lapwing/contracts/records'
import { seriesText } from '@lapwing/contracts/series'
import { mayBecome } from '@lapwing/models/life'
import { entityScope, ModelRegistry } from '@lapwing/models/registry'
import type { LogRecord } from '@lapwing/stream/log'
import type { ModelView } from './api-model.ts'

export class ModelVersions {
  readonly #registries = new Map<number, ModelRegistry>()

  /** Throws a DecodeError. */
  take(record: LogRecord): void {
    const registry = this.#registries.get(record.partition) ?? new ModelRegistry()
    this.#registries.set(record.partition, registry)
    registry.take(record)
  }

  /** By what they score, newest first. */
  views(): ModelView[] {
    const views = [...this.#registries.values()].flatMap((registry) => registry.all().map((model) => modelView(model, registry)))
    return views.sort((a, b) => compare(a.entity, b.entity) || b.createdAtMs - a.createdAtMs || compare(a.modelId, b.modelId))
  }

  /** The version and the partition that its records stand on. */
  find(modelId: string): { readonly view: ModelView; readonly partition: number } | undefined {
    for (const [partition, registry] of this.#registries) {
      const model = registry.find(modelId)
      if (model) return { view: modelView(model, registry), partition }
    }
    return undefined
  }
}

function modelView(model: Model, registry: ModelRegistry): ModelView {
  const { modelId, scope, kind, state, createdAtMs, stateAtMs, trainedFromMs, trainedToMs, trainedRows } = model
  const isInForce = registry.inForce(scope)?.modelId === modelId
  return {
    ...{ modelId, scope, kind, state, createdAtMs, stateAtMs, trainedFromMs, trainedToMs, trainedRows, isInForce },
    ...{ parentId: model.parentId, reason: model.reason, decision: model.decision, channels: [...model.channels] },
    entity: model.labels.length > 0 ? seriesText(model.labels) : scope.slice(entityScope.length),
    metrics: model.metrics.map(({ name, value }) => ({ name, value: Number.isFinite(value) ? value : null })),
    mayPromote: !isInForce && model.sha256 !== '' && mayBecome(model, 'promoted'),
    mayRollBack: isInForce || state === 'shadow',
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
