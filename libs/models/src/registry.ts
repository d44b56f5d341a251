/**
 * What the models topic adds up to: every version of every model, and which one is in force.
 *
 * Of the promoted versions of a scope the one with the newest `stateAtMs` is in force. So a promotion needs one record, and a rollback
 * two, in one transaction: the version that goes, and the earlier one promoted anew. Weights are left out here, because a registry of hundreds of
 * models would hold hundreds of megabytes; whoever needs some reads them by id.
 */
import { decode } from '@lapwing/contracts/codec'
import type { Model } from '@lapwing/contracts/records'
import { type KnownEntities, type KnownEntity, nothingKnown } from './known-entities.ts'

/** A record as it stands on the topic. */
interface TopicRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
}

/** When an entity is to be retrained by the schedule. */
export interface PlannedRun {
  readonly scope: string
  /** Milliseconds since the epoch. */
  readonly atMs: number
  /** For a person; empty in what earlier releases wrote. */
  readonly reason: string
}

export class ModelRegistry {
  readonly #versions = new Map<string, Model>()
  #plan: readonly PlannedRun[] = []
  #known = nothingKnown
  /** Offset of the last control record that was decided on; -1 before the first. */
  #position = -1

  /** Takes a record of the models topic in; what is no version of a batch model (priors of cohorts) is left. Throws a DecodeError. */
  take({ key, value }: TopicRecord): void {
    if (!value) this.remove(Buffer.from(key ?? []).toString())
    else this.put(decode('Model', value))
  }

  put(model: Model): void {
    if (model.kind === positionKind) this.#position = Math.max(this.#position, model.controlOffset)
    else if (model.kind === planKind) this.#plan = plannedRuns(model)
    else if (model.kind === knownKind) this.#known = knownEntities(model)
    else if (model.scope.startsWith(entityScope)) this.#versions.set(model.modelId, { ...model, weights: null })
  }

  remove(modelId: string): void {
    this.#versions.delete(modelId)
  }

  get position(): number {
    return this.#position
  }

  /** The next runs of the schedule, as the trainer wrote them down last. */
  get plan(): readonly PlannedRun[] {
    return this.#plan
  }

  /** Its entities, as the trainer wrote them down with its last look. */
  get known(): KnownEntities {
    return this.#known
  }

  /** In order. */
  scopes(): string[] {
    return [...new Set(this.all().map(({ scope }) => scope))].sort()
  }

  all(): Model[] {
    return [...this.#versions.values()]
  }

  find(modelId: string): Model | undefined {
    return this.#versions.get(modelId)
  }

  /** Oldest first. */
  ofScope(scope: string): Model[] {
    const versions = this.all().filter((model) => model.scope === scope)
    return versions.sort((a, b) => a.createdAtMs - b.createdAtMs || (a.modelId < b.modelId ? -1 : 1))
  }

  inForce(scope: string): Model | undefined {
    const promoted = this.ofScope(scope).filter(({ state }) => state === 'promoted')
    return promoted.reduce<Model | undefined>(
      (newest, one) => (newest && newest.stateAtMs >= one.stateAtMs ? newest : one),
      undefined,
    )
  }

  /** After every change of the scope so far, so that a change can be told from the one before it; at `wantedMs` if that is later. */
  nextChangeMs(scope: string, wantedMs: number): number {
    return this.ofScope(scope).reduce((latest, { stateAtMs }) => Math.max(latest, stateAtMs + 1), wantedMs)
  }
}

/** What a batch model scores: all series of an entity. */
export const entityScope = 'entity:'
const positionKind = 'registry-position'
const planKind = 'registry-plan'
const knownKind = 'registry-entities'

/** How far a partition's control records have been decided on, as a record of the models topic beside the outcomes. */
export function positionRecord(controlOffset: number): Model {
  return { ...emptyModel, modelId: positionKind, kind: positionKind, controlOffset }
}

/** The next runs of a partition's entities, all of one schedule and so for one reason, for whoever wants to know: nothing is decided by it. */
export function planRecord(plan: readonly PlannedRun[]): Model {
  const metrics = plan.map(({ scope, atMs }) => ({ name: scope, value: atMs }))
  return { ...emptyModel, modelId: planKind, kind: planKind, metrics, reason: plan[0]?.reason ?? '' }
}

function plannedRuns({ metrics, reason }: Model): PlannedRun[] {
  return metrics.map(({ name, value }) => ({ scope: name, atMs: value, reason }))
}

/** What the trainer knows of a partition's entities, as a record of the models topic beside the versions. */
export function knownRecord({ lookedMs, atMs, nextOffset, entities, leftArtefacts }: KnownEntities): Model {
  const metrics = [...entities].flatMap(([scope, { begunMs, seenMs }]) => [
    { name: `begun ${scope}`, value: begunMs },
    { name: `seen ${scope}`, value: seenMs },
  ])
  const times = { createdAtMs: lookedMs, trainedToMs: atMs, controlOffset: nextOffset }
  return { ...emptyModel, ...times, modelId: knownKind, kind: knownKind, metrics, channels: leftArtefacts }
}

function knownEntities({ createdAtMs, trainedToMs, controlOffset, metrics, channels }: Model): KnownEntities {
  const begunMs = new Map(metrics.map(({ name, value }) => [name, value]))
  const entities = new Map<string, KnownEntity>()
  for (const { name, value } of metrics) {
    const scope = name.slice(seenPrefix.length)
    if (name.startsWith(seenPrefix)) entities.set(scope, { begunMs: begunMs.get(`begun ${scope}`) ?? value, seenMs: value })
  }
  return { lookedMs: createdAtMs, atMs: trainedToMs, nextOffset: controlOffset, entities, leftArtefacts: channels }
}

const seenPrefix = 'seen '

/** What the fields of a record are where they say nothing. */
export const emptyModel: Model = {
  modelId: '',
  scope: '',
  kind: '',
  state: 'unknown',
  parentId: '',
  createdAtMs: 0,
  trainedFromMs: 0,
  trainedToMs: 0,
  configHash: '',
  dataHash: '',
  metrics: [],
  sha256: '',
  weights: null,
  artefactUri: '',
  stateAtMs: 0,
  requestId: '',
  reason: '',
  decision: '',
  labels: [],
  channels: [],
  stepMs: 0,
  trainedRows: 0,
  controlOffset: -1,
}
