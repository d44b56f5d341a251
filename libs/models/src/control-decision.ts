/**
 * What a control record does to the registry: a request becomes a version that is to be trained, or is declined and why; a promotion or
 * a rollback moves versions on. And what is due next. Pure: the clock is that of the samples, the order that of the topic.
 *
 * One deploy moves many series, and everything that watches them asks. What comes while a version of the same scope is on its way is the same
 * request, and so is what was asked of a time that the last version has learned from. Otherwise it waits until `cooldownMs` have
 * passed since that one was asked for, and until quiet hours are over: a request is put off, not lost. A person is not held back.
 */
import { createHash } from 'node:crypto'
import type { Control, Model } from '@lapwing/contracts/records'
import { LifeError, moved } from './life.ts'
import { emptyModel, entityScope, type ModelRegistry } from './registry.ts'

export interface TrainingPolicy {
  /** Kind of model that is trained. */
  readonly kind: string
  /** Hash of the configuration, for the record. */
  readonly configHash: string
  readonly stepMs: number
  /** How much of the past is learned from. */
  readonly historyMs: number
  /** After drift, time of the samples to let pass before training: the new regime has to be in what is learned from. */
  readonly settleMs: number
  /** From one version to the next that was not asked for by a person. */
  readonly cooldownMs: number
  /** The time itself, or the end of the quiet hours that it lies in; does not hold a person back. */
  afterQuietHours(atMs: number): number
}

export interface ControlOutcome {
  readonly outcome: 'admitted' | 'declined' | 'promoted' | 'rolled_back' | 'rejected'
  /** For the log. */
  readonly why: string
  /** Versions in their new state, to be written together. */
  readonly changed: readonly Model[]
}

export const personName = 'person'
export const modelScope = 'model:'

/** @param newestMs newest sample of the partition, milliseconds since the epoch */
export function decideControl(
  registry: ModelRegistry,
  control: Control,
  newestMs: number,
  policy: TrainingPolicy,
): ControlOutcome {
  if (control.kind === 'retrain') return decideRequest(registry, control, newestMs, policy)
  if (control.kind !== 'promote' && control.kind !== 'rollback') return declined(`${control.kind} is not for models`)
  const model = control.scope.startsWith(modelScope) ? registry.find(control.scope.slice(modelScope.length)) : undefined
  if (!model) return declined(`there is no ${control.scope}`)
  if (control.requestedBy !== personName && model.state !== 'shadow') return declined(`${model.modelId} is ${model.state}`)
  try {
    return control.kind === 'promote' ? promote(registry, model, control) : rollBack(registry, model, control)
  } catch (error) {
    if (error instanceof LifeError) return declined(error.message)
    throw error
  }
}

function decideRequest(registry: ModelRegistry, control: Control, newestMs: number, policy: TrainingPolicy): ControlOutcome {
  const { scope, requestedAtMs } = control
  if (!/^entity:[0-9a-f]{32}$/.test(scope)) return declined(`${scope} has no batch model`)
  const modelId = modelIdOf(policy.kind, control.id)
  if (registry.find(modelId)) return declined(`${modelId} answers this request already`)
  const versions = registry.ofScope(scope)
  const underway = versions.find(({ state }) => onItsWay.has(state))
  if (underway) return declined(`${underway.modelId} is on its way`)
  const inForce = registry.inForce(scope)
  if (!inForce && control.requestedBy === 'drift' && control.detector !== 'count') {
    return declined(
      'there is no model that drift could have made worse: ask for one with lapwing train, or set drift.after_samples',
    )
  }
  const latest = versions.at(-1)
  const isByPerson = control.requestedBy === personName
  if (!isByPerson && latest && requestedAtMs <= latest.trainedToMs)
    return declined(`${latest.modelId} has learned from that time`)
  const waitMs = control.requestedBy === 'drift' ? policy.settleMs : 0
  // Whoever is no watcher of samples asks by a clock of his own, which may be ahead of them.
  const askedAtMs = waitMs > 0 ? requestedAtMs : Math.min(requestedAtMs, newestMs)
  const notBeforeMs = isByPerson || !latest ? 0 : latest.createdAtMs + policy.cooldownMs
  const earliestMs = Math.max(askedAtMs + waitMs, notBeforeMs)
  const trainedToMs = isByPerson ? earliestMs : policy.afterQuietHours(earliestMs)
  const requested: Model = {
    ...emptyModel,
    modelId,
    scope,
    kind: policy.kind,
    state: 'requested',
    parentId: inForce?.modelId ?? '',
    createdAtMs: askedAtMs,
    stateAtMs: registry.nextChangeMs(scope, askedAtMs),
    trainedFromMs: trainedToMs - policy.historyMs,
    trainedToMs,
    configHash: policy.configHash,
    stepMs: policy.stepMs,
    requestId: control.id,
    reason: control.reason,
    decision:
      trainedToMs > askedAtMs ? `waits until ${new Date(trainedToMs).toISOString()} of the samples` : 'waits for a trainer',
  }
  return { outcome: 'admitted', why: control.reason, changed: [requested] }
}

function promote(registry: ModelRegistry, model: Model, { reason, requestedAtMs }: Control): ControlOutcome {
  if (model.sha256 === '') return declined(`${model.modelId} was never trained`)
  const atMs = registry.nextChangeMs(model.scope, requestedAtMs)
  return { outcome: 'promoted', why: reason, changed: [moved(model, 'promoted', { atMs, decision: reason })] }
}

/** Of what is in shadow: it is rejected. Of what is in force: the version before it is in force again. */
function rollBack(registry: ModelRegistry, model: Model, { reason, requestedAtMs }: Control): ControlOutcome {
  const atMs = registry.nextChangeMs(model.scope, requestedAtMs)
  if (model.state === 'shadow') {
    return { outcome: 'rejected', why: reason, changed: [moved(model, 'rejected', { atMs, decision: reason })] }
  }
  const inForce = registry.inForce(model.scope)
  if (inForce?.modelId !== model.modelId) return declined(`${model.modelId} is not in force`)
  const gone = moved(model, 'rolled_back', { atMs, decision: reason })
  const earlier = registry
    .ofScope(model.scope)
    .filter((one) => one.state === 'promoted' && one.modelId !== model.modelId)
    .sort((a, b) => b.stateAtMs - a.stateAtMs)[0]
  const again =
    earlier && moved(earlier, 'promoted', { atMs: atMs + 1, decision: `again, after ${model.modelId} was rolled back` })
  return { outcome: 'rolled_back', why: reason, changed: again ? [gone, again] : [gone] }
}

/** What a trainer has to do for a version that was admitted. */
export interface DueWork {
  readonly action: 'train' | 'validate' | 'begin_shadow'
  readonly model: Model
}

/** The oldest version that can be moved on; undefined when all wait for samples or for people. */
export function dueWork(registry: ModelRegistry, newestMs: number): DueWork | undefined {
  const due = registry.all().flatMap((model): DueWork[] => {
    if (model.state === 'requested' && newestMs >= model.trainedToMs) return [{ action: 'train', model }]
    if (model.state === 'trained') return [{ action: 'validate', model }]
    return model.state === 'validated' ? [{ action: 'begin_shadow', model }] : []
  })
  return due.sort((a, b) => a.model.createdAtMs - b.model.createdAtMs || (a.model.modelId < b.model.modelId ? -1 : 1))[0]
}

/** A version is named by its request, so that a request which is answered twice has one answer. */
export function modelIdOf(kind: string, requestId: string): string {
  return `${kind}/${createHash('sha256').update(requestId).digest('hex').slice(0, 12)}`
}

export function entityScopeOf(entityKey: string): string {
  return `${entityScope}${entityKey}`
}

const onItsWay: ReadonlySet<Model['state']> = new Set(['requested', 'trained', 'validated', 'shadow'])

function declined(why: string): ControlOutcome {
  return { outcome: 'declined', why, changed: [] }
}
