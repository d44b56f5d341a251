/**
 * Entities under batch models: sample batches of one partition in, scores and anomalies of whole entities out.
 *
 * A version comes into force, or into shadow, with a record of the models topic, which takes effect between two batches as part of a
 * checkpoint. Both see the same rows; the one in force tells, the shadow is written down, and after `shadowRows` rows, or some times as many, says on the
 * control topic whether it may come into force. An entity without a model costs nothing: a batch is not even decoded while there is none.
 *
 * A version whose record is gone from the topic scores no longer, as one that is rolled back: its entity is gone (`registry-tidying.ts`), and with the next batch
 * of whatever entity its episode is ended.
 *
 * Deterministic: time comes from the samples. History is left: it has been learned from.
 */
import { decode, encode } from '@lapwing/contracts/codec'
import { bytesOf, float64Column, uint32Column } from '@lapwing/contracts/columns'
import type { Anomaly, Model, SampleBatch } from '@lapwing/contracts/records'
import { entityText, seriesCount } from '@lapwing/contracts/series-table'
import { entityScope } from '@lapwing/models/registry'
import { decideShadow } from '@lapwing/models/shadow-decision'
import { type ArtefactStore, ArtefactStoreError, unpackWeights, WeightsError, type WeightsRefusal } from '@lapwing/models/weights'
import { LogError } from '@lapwing/stream/errors'
import type { LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import type { KeyState } from '@lapwing/stream/partition-state'
import type { NewBeginning, StatefulStep } from '@lapwing/stream/stateful-stage'
import { anomalyRecord, endedUnseen } from '../anomaly.ts'
import { takeGone } from '../gone-keys.ts'
import { LeftOpen } from '../left-open.ts'
import { EntityModel, type RowVerdict } from './entity-model.ts'
import { entityAnomaly, type Role, scoreRecord, shadowRecord } from './entity-records.ts'
import { type EntitySample, samplesOf } from './entity-samples.ts'
import { SeriesNames } from './series-names.ts'

export interface EntityOptions {
  readonly scoresTopic: string
  readonly anomaliesTopic: string
  readonly controlTopic: string
  readonly store: ArtefactStore
  readonly shadowRows: number
  /** What models in force opened in the partition and did not end; nothing when it is left out. */
  readonly readLeftOpen?: () => Promise<readonly Anomaly[]>
  /** Once per batch with rows, and once per model that is refused. */
  observe(observation: EntityObservation): void
}

export type EntityObservation =
  | { readonly kind: 'scored'; readonly role: Role; readonly rows: number; readonly opened: number }
  | { readonly kind: 'refused'; readonly reason: WeightsRefusal; readonly message: string }

/** 2 has the stretches that a shadow waited through. */
export const entityStateVersion = 2

const roles = ['in_force', 'shadow'] as const
/** States in which a version is made ready to score, or to end its episode. */
const scoring: ReadonlySet<Model['state']> = new Set(['promoted', 'shadow', 'rolled_back'])

interface Entity {
  readonly models: Partial<Record<Role, EntityModel>>
}

/** The step of one partition. */
export function createEntityStep(options: EntityOptions): StatefulStep {
  return new EntityStep(options)
}

class EntityStep implements StatefulStep {
  readonly #options: EntityOptions
  readonly #entities = new Map<string, Entity>()
  readonly #names = new SeriesNames()
  /** Keys of the state whose content changed: entity, role, and whether it is the model itself or where it stands. */
  readonly #changedModels = new Set<string>()
  readonly #changedRows = new Set<string>()
  /** While restoring: where a model stands, until the model itself is there. */
  readonly #waitingRows = new Map<string, Float64Array>()
  /** Of the model that is taken in at the moment, when they do not stand in its record. */
  #stored: Uint8Array | undefined
  /** Where versions belong whose weights were refused, by their ids. */
  readonly #refused = new Map<string, string>()
  /** Entities whose version in force is none any more, and whose episode is still to be ended. */
  readonly #retired = new Set<string>()
  readonly #leftOpen = new LeftOpen()

  constructor(options: EntityOptions) {
    this.#options = options
  }

  process(record: LogRecord, emit: (output: OutgoingRecord) => void): void {
    const isEnding = this.#leftOpen.isDue(record.offset)
    if ((this.#entities.size === 0 && !isEnding) || !record.value) return
    const batch = decode('SampleBatch', record.value)
    if (batch.kind !== 'live') return
    if (isEnding) this.#endLeftOpen({ batch, record, emit })
    for (const key of [...this.#retired].sort()) this.#endRetired(key, { batch, record, emit })
    for (const [key, places] of this.#placesOf(batch)) this.#score(key, places, { batch, record, emit })
  }

  /** A version of a model in its newest state. Throws a DecodeError; rejects with a LogError when its weights cannot be fetched now. */
  apply({ key, value }: LogRecord): void | Promise<void> {
    if (!value) return this.#forget(Buffer.from(key ?? []).toString())
    const model = decode('Model', value)
    if (!/^entity:[0-9a-f]{32}$/.test(model.scope)) return
    return this.#withWeights(model, () => this.#take(model))
  }

  #take(model: Model): void {
    const key = model.scope.slice(entityScope.length)
    const { in_force: inForce, shadow } = this.#entities.get(key)?.models ?? {}
    if (model.state === 'promoted') this.#promote(key, model)
    else if (model.state === 'shadow') this.#beginShadow(key, model)
    else if (model.state === 'rejected' && shadow?.model.modelId === model.modelId) this.#set(key, 'shadow', undefined)
    else if (model.state === 'rolled_back' && inForce?.model.modelId === model.modelId) this.#retire(key, inForce, model)
  }

  /** While another version is refused at its place, what was in force stays, although nobody would go back to it. */
  #forget(modelId: string): void {
    const place = this.#refused.get(modelId) ?? this.#placeOf(modelId)
    this.#refused.delete(modelId)
    if (place === undefined || [...this.#refused.values()].includes(place)) return
    const [key, role] = place.split('/') as [string, Role]
    const model = this.#at(place)
    if (role === 'in_force' && model?.isEpisodeOpen) this.#retire(key, model, { ...model.model, state: 'rolled_back' })
    else this.#set(key, role, undefined)
  }

  #placeOf(modelId: string): string | undefined {
    for (const [key, { models }] of this.#entities) {
      for (const role of roles) if (models[role]?.model.modelId === modelId) return `${key}/${role}`
    }
    return undefined
  }

  async beginAnew(): Promise<(places: NewBeginning) => void> {
    const open = (await this.#options.readLeftOpen?.()) ?? []
    return (places) => this.#leftOpen.begin(places, open)
  }

  /** Keys on the state topic of what is in force or in shadow no longer. */
  takeForgotten(): Uint8Array[] {
    const isThere = (place: string) => this.#at(place) !== undefined
    const models = takeGone(this.#changedModels, isThere).map((place) => stateKey(place, modelTag))
    const rows = takeGone(this.#changedRows, isThere).map((place) => stateKey(place, rowsTag))
    return [...models, ...rows, ...this.#leftOpen.takeForgotten()]
  }

  *takeChanged(): Generator<KeyState> {
    for (const place of this.#changedModels) {
      yield { key: stateKey(place, modelTag), snapshot: encode('Model', this.#at(place)!.model) }
    }
    for (const place of this.#changedRows) {
      yield { key: stateKey(place, rowsTag), snapshot: bytesOf(this.#at(place)!.snapshot()) }
    }
    this.#changedModels.clear()
    this.#changedRows.clear()
    yield* this.#leftOpen.takeChanged()
  }

  restore(key: Uint8Array, snapshot: Uint8Array, version: number): void | Promise<void> {
    if (this.#leftOpen.restore(key, snapshot)) return
    if (key.length !== 18) throw new RangeError(`the key of an entity's model has 18 bytes, found ${key.length}`)
    const entity = Buffer.from(key.subarray(0, 16)).toString('hex')
    const role = roles[key[16]!]!
    const place = `${entity}/${role}`
    const changed = key[17] === modelTag ? this.#changedModels : this.#changedRows
    // Written by 0.1.0 for what is gone: it leaves the topic.
    if (snapshot.length === 0) return void changed.add(place)
    if (key[17] === modelTag) {
      const model = decode('Model', snapshot)
      return this.#withWeights(model, () => this.#restoreModel(entity, role, model))
    }
    const rows = EntityModel.asOfToday(float64Column(snapshot), version)
    const made = this.#at(place)
    if (made) made.restore(rows)
    else this.#waitingRows.set(place, rows)
  }

  #restoreModel(entity: string, role: Role, model: Model): void {
    const made = this.#make(model, role)
    if (!made) return
    this.#entity(entity).models[role] = made
    if (model.state === 'rolled_back') this.#retired.add(entity)
    const rows = this.#waitingRows.get(`${entity}/${role}`)
    this.#waitingRows.delete(`${entity}/${role}`)
    if (rows) made.restore(rows)
  }

  /** At once when the weights stand in the record, else when they are fetched. */
  #withWeights(model: Model, use: () => void): void | Promise<void> {
    if (model.artefactUri === '' || !scoring.has(model.state)) return use()
    const fetched = this.#options.store.get(model.artefactUri).catch((error: unknown) => {
      throw error instanceof ArtefactStoreError ? new LogError('step_waits', error.message, error) : error
    })
    return fetched.then((bytes) => {
      this.#stored = bytes
      use()
      this.#stored = undefined
    })
  }

  /** Where the samples of each entity with a model stand: of each series its number, its first sample and the one after its last. */
  #placesOf(batch: SampleBatch): Map<string, [series: number, from: number, to: number][]> {
    const found = new Map<string, [number, number, number][]>()
    const samplesPerSeries = uint32Column(batch.samplesPerSeries, seriesCount(batch.series))
    let at = 0
    for (let series = 0; series < samplesPerSeries.length; series++) {
      const to = at + samplesPerSeries[series]!
      const key = entityText(batch.series, series)
      if (this.#entities.has(key)) found.set(key, [...(found.get(key) ?? []), [series, at, to]])
      at = to
    }
    return found
  }

  #score(key: string, places: readonly (readonly [number, number, number])[], hand: BatchInHand): void {
    const entity = this.#entities.get(key)!
    const samples = samplesOf(hand.batch, places, this.#names)
    for (const role of roles) {
      const model = entity.models[role]
      if (!model) continue
      this.#changedRows.add(`${key}/${role}`)
      this.#feed(entity, role, model, samples, hand)
    }
    const { shadow } = entity.models
    if (shadow && !shadow.isDecided && shadow.rows >= this.#options.shadowRows) this.#decideShadow(entity, shadow, hand)
  }

  #feed(
    entity: Entity,
    role: Role,
    model: EntityModel,
    samples: readonly EntitySample[],
    { batch, record, emit }: BatchInHand,
  ): void {
    const { scoresTopic, anomaliesTopic, observe } = this.#options
    const verdicts: RowVerdict[] = []
    let opened = 0
    const onVerdict = (verdict: RowVerdict) => {
      verdicts.push(verdict)
      if (role === 'shadow') return
      const { shadow } = entity.models
      // While the shadow fills its first window there is nothing to compare.
      if (shadow && shadow.rows > 0 && verdict.confidence > 0 && verdict.score > 1) shadow.rowsAboveInForce++
      if (verdict.transition === 'none') return
      if (verdict.transition === 'opened') opened++
      emit(entityAnomaly(model.model, verdict, model.threshold, record, anomaliesTopic))
    }
    for (const { name, timestampMs, value } of samples) {
      const channel = model.channelOf(name)
      if (channel !== undefined) model.take(channel, timestampMs, value, onVerdict)
    }
    if (verdicts.length === 0) return
    const { isEpisodeOpen, threshold } = model
    emit(scoreRecord({ model: model.model, role, threshold, verdicts, isEpisodeOpen }, batch, record, scoresTopic))
    observe({ kind: 'scored', role, rows: verdicts.length, opened })
  }

  /** No model that comes into force anew goes on with an episode of before: it begins behind the samples in which that opened. */
  #endLeftOpen({ batch, record, emit }: BatchInHand): void {
    for (const newest of this.#leftOpen.takeEnded(record.offset, () => false)) {
      emit(anomalyRecord(endedUnseen(newest, batch.newestMs), record, this.#options.anomaliesTopic))
    }
  }

  #decideShadow(entity: Entity, shadow: EntityModel, { batch, record, emit }: BatchInHand): void {
    const { rows, rowsAbove: above, waited, model } = shadow
    const aboveInForce = entity.models.in_force ? shadow.rowsAboveInForce : undefined
    const decision = decideShadow({ rows, above, aboveInForce, waited })
    if (decision.outcome === 'wait') {
      shadow.waitOn()
      return
    }
    shadow.isDecided = true
    emit(shadowRecord(model, decision, batch.newestMs, this.#options.controlTopic, record.partition))
  }

  /** Stays until the next batch, so that people hear that its episode is over; a successor takes the episode along. */
  #retire(key: string, before: EntityModel, model: Model): void {
    this.#set(key, 'in_force', before.as(model))
    this.#retired.add(key)
  }

  #endRetired(key: string, { batch, record, emit }: BatchInHand): void {
    const gone = this.#at(`${key}/in_force`)!
    const verdict = gone.end(batch.newestMs)
    if (verdict.transition === 'resolved') {
      emit(entityAnomaly(gone.model, verdict, gone.threshold, record, this.#options.anomaliesTopic))
    }
    this.#set(key, 'in_force', undefined)
  }

  /** The shadow of the same version has its rows already. */
  #promote(key: string, model: Model): void {
    const entity = this.#entity(key)
    const { in_force: before, shadow } = entity.models
    if (before && before.model.stateAtMs >= model.stateAtMs) return
    const isShadow = shadow?.model.modelId === model.modelId
    const next = this.#make(model, 'in_force')
    if (!next) return
    if (isShadow) next.restore(shadow.snapshot())
    next.inheritEpisode(before)
    next.restartCounters()
    this.#set(key, 'in_force', next)
    if (isShadow) this.#set(key, 'shadow', undefined)
  }

  #beginShadow(key: string, model: Model): void {
    const shadow = this.#entities.get(key)?.models.shadow
    if (shadow && shadow.model.stateAtMs >= model.stateAtMs) return
    const next = this.#make(model, 'shadow')
    if (next) this.#set(key, 'shadow', next)
  }

  /** undefined when the weights are not those that were registered: what was in force stays. */
  #make(model: Model, role: Role): EntityModel | undefined {
    try {
      return new EntityModel(model, unpackWeights(model, this.#stored))
    } catch (error) {
      if (!(error instanceof WeightsError)) throw error
      this.#refused.set(model.modelId, `${model.scope.slice(entityScope.length)}/${role}`)
      this.#options.observe({ kind: 'refused', reason: error.reason, message: error.message })
      return undefined
    }
  }

  #set(key: string, role: Role, model: EntityModel | undefined): void {
    const entity = this.#entity(key)
    if (model) entity.models[role] = model
    else delete entity.models[role]
    if (role === 'in_force') this.#retired.delete(key)
    for (const [modelId, place] of this.#refused) if (place === `${key}/${role}`) this.#refused.delete(modelId)
    this.#changedModels.add(`${key}/${role}`)
    this.#changedRows.add(`${key}/${role}`)
    if (!entity.models.in_force && !entity.models.shadow) this.#entities.delete(key)
  }

  #entity(key: string): Entity {
    const known = this.#entities.get(key)
    if (known) return known
    const made: Entity = { models: {} }
    this.#entities.set(key, made)
    return made
  }

  #at(place: string): EntityModel | undefined {
    const [entity, role] = place.split('/') as [string, Role]
    return this.#entities.get(entity)?.models[role]
  }
}

interface BatchInHand {
  readonly batch: SampleBatch
  readonly record: LogRecord
  readonly emit: (output: OutgoingRecord) => void
}

const modelTag = 0
const rowsTag = 1

/** Entity, role, and what of the two it is. */
function stateKey(place: string, tag: number): Uint8Array {
  const [entity, role] = place.split('/') as [string, Role]
  return Uint8Array.of(...Buffer.from(entity, 'hex'), roles.indexOf(role), tag)
}
