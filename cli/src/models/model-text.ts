/** Versions of models as people read them. */
import type { Model } from '@lapwing/contracts/records'
import { stateName } from '@lapwing/models/life'
import { entityScope, type ModelRegistry } from '@lapwing/models/registry'
import { progressOf } from '@lapwing/models/training-progress'

/** `promoted` is said of what is in force; an earlier one of the same entity has been replaced. */
export function stateText(model: Model, registry: ModelRegistry): string {
  const progress = progressOf(model)
  if (progress) return `in training (${Math.floor(100 * progress.share)} %)`
  if (model.state !== 'promoted') return stateName(model.state)
  return registry.inForce(model.scope)?.modelId === model.modelId ? 'in force' : 'replaced'
}

/** `instance=node-1 job=node`; the key of the entity before anything was read of it. */
export function entityTextOf({ labels, scope }: Model): string {
  const text = labels.map(({ name, value }) => `${name}=${value}`).join(' ')
  return text || scope.slice(entityScope.length)
}

export function metricOf({ metrics }: Model, name: string): number | undefined {
  return metrics.find((metric) => metric.name === name)?.value
}

export function metricText(model: Model, name: string): string {
  return metricOf(model, name)?.toFixed(2) ?? ''
}

/** When the schedule retrains the entity of the model in force; undefined for other versions, and without a schedule. */
export function nextRunMs({ modelId, scope }: Model, registry: ModelRegistry): number | undefined {
  if (registry.inForce(scope)?.modelId !== modelId) return undefined
  return registry.plan.find((run) => run.scope === scope)?.atMs
}

export function timeText(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 16).replace('T', ' ')
}

/** As JSON: everything but the weights. */
export function modelJson(model: Model, registry: ModelRegistry, partition: number): object {
  const { weights: _, controlOffset: __, metrics, ...rest } = model
  const numbers = Object.fromEntries(metrics.map(({ name, value }) => [name, value]))
  const next = nextRunMs(model, registry)
  return { ...rest, metrics: numbers, inForce: stateText(model, registry) === 'in force', nextRunMs: next ?? null, partition }
}
