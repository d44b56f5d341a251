/**
 * The registry of one partition under its owner: control records are decided on in order, and what is due is done, one thing at a time.
 *
 * The models topic is the only memory. Taking over: become the only writer (a fence, as for state), read the topic to its end, go on behind the
 * control record that was decided on last. Every decision is one transaction of what changed and the new position, so whoever dies leaves either
 * all of it or nothing, and the next owner does the same work again under the same names.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { DecodeError, decode, encode } from '@lapwing/contracts/codec'
import type { Control, Model } from '@lapwing/contracts/records'
import { type DueWork, decideControl, dueWork, type TrainingPolicy } from '@lapwing/models/control-decision'
import { mayBecome, moved } from '@lapwing/models/life'
import { ModelRegistry, type PlannedRun, planRecord, positionRecord } from '@lapwing/models/registry'
import { planRuns, type RetrainSchedule, scheduledRequest } from '@lapwing/models/retrain-plan'
import { progressMetrics, progressSince, type ToldShare } from '@lapwing/models/training-progress'
import { LogError } from '@lapwing/stream/errors'
import type { FencedProducer, LogRecord } from '@lapwing/stream/log'
import { ownUntil } from '@lapwing/stream/take-over-again'
import { NewestSample } from './newest-sample.ts'
import { RegistryTidying, type TidyingEvent, type TidyingOptions } from './registry-tidying.ts'
import { VersionRecords } from './version-records.ts'

export interface RegistryOptions extends TidyingOptions {
  readonly group: string
  readonly topics: { readonly control: string; readonly models: string; readonly samples: string }
  readonly policy: TrainingPolicy
  /** When entities are retrained without anybody asking. */
  readonly schedule: RetrainSchedule | undefined
  /**
   * Does what is due; resolves with the model in its next state. Rejects when the process of the training died: then it is tried again, `mostTries`
   * times in all.
   */
  work(due: DueWork, partition: number, registry: ModelWorkbench): Promise<Model>
  observe(event: RegistryEvent): void
}

/** What work may ask of the partition it belongs to. */
export interface ModelWorkbench {
  readonly signal: AbortSignal
  inForce(scope: string): Model | undefined
  /** The record with its weights. Rejects with a LogError. */
  read(modelId: string): Promise<Model | undefined>
  onProgress(share: number): void
}

export type RegistryEvent =
  | { readonly kind: 'decided'; readonly control: Control; readonly outcome: string; readonly why: string }
  | { readonly kind: 'moved'; readonly model: Model }
  | { readonly kind: 'progress'; readonly model: Model; readonly share: number }
  | { readonly kind: 'failed'; readonly model: Model; readonly error: Error; readonly isLast: boolean }
  /** The next runs of all entities of the partition; none once it is somebody else's. */
  | { readonly kind: 'planned'; readonly partition: number; readonly runs: readonly PlannedRun[] }
  | TidyingEvent
  | { readonly kind: 'damaged'; readonly error: Error }

const mostTries = 3
/** How often is looked for what nobody wakes us for: samples that a version waits for. */
const lookMs = 1000
/** Between two records of progress. */
const progressMs = 1000

export class RegistryPartition {
  readonly #options: RegistryOptions
  readonly #partition: number
  readonly #newest: NewestSample
  readonly #tidying: RegistryTidying
  readonly #ending = new AbortController()
  #registry = new ModelRegistry()
  #versions: VersionRecords
  readonly #tries = new Map<string, number>()
  /** The last run of each entity that was asked for by us. */
  readonly #asked = new Map<string, number>()
  #wake = new AbortController()
  #producer: FencedProducer | undefined
  readonly #done: Promise<void>

  constructor(partition: number, options: RegistryOptions, onFatal: (error: Error) => void) {
    this.#options = options
    this.#partition = partition
    this.#newest = new NewestSample(options.log, options.topics.samples, partition)
    this.#tidying = new RegistryTidying(options, partition, this.#newest, this.#ending.signal)
    this.#versions = new VersionRecords(options.log, options.topics.models, partition)
    this.#done = this.#run(onFatal)
  }

  /** Something is on the control topic. */
  wake(): void {
    this.#wake.abort()
  }

  /** Ends what is in hand; it is done again by the next owner. */
  async stop(): Promise<void> {
    this.#ending.abort()
    this.wake()
    await this.#done
  }

  async #run(onFatal: (error: Error) => void): Promise<void> {
    const { signal } = this.#ending
    const pause = (ms: number) => delay(ms, undefined, { signal }).catch(() => undefined)
    try {
      await ownUntil({ signal, own: (onSuccess) => this.#own(onSuccess), pause })
    } catch (error) {
      onFatal(error as Error)
    }
  }

  async #own(onSuccess: () => void): Promise<void> {
    const { log, group, topics } = this.#options
    const producer = await log.fencedProducer(`${group}-${this.#partition}`)
    this.#producer = producer
    try {
      // What we knew as an earlier owner may have been overtaken since.
      this.#registry = new ModelRegistry()
      this.#versions = new VersionRecords(log, topics.models, this.#partition)
      await this.#versions.catchUp((record) => this.#take(record))
      while (!this.#ending.signal.aborted) {
        this.#wake = new AbortController()
        await this.#goOn()
        onSuccess()
      }
    } finally {
      // What it leaves open ends with its epoch; the error that matters is on its way.
      await producer.close().catch(() => undefined)
      this.#options.observe({ kind: 'planned', partition: this.#partition, runs: [] })
    }
  }

  /** Decides on what has come, then does what is due, or waits a while. */
  async #goOn(): Promise<void> {
    await this.#decideAll()
    await this.#askAsPlanned()
    await this.#tidyUp()
    if (this.#registry.all().some(({ state }) => state === 'requested')) await this.#newest.look()
    const due = dueWork(this.#registry, this.#newest.atMs)
    if (due) await this.#do(due)
    else await delay(lookMs, undefined, { signal: this.#wake.signal }).catch(() => undefined)
  }

  #take(record: LogRecord): void {
    try {
      this.#registry.take(record)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#options.observe({ kind: 'damaged', error })
    }
  }

  async #decideAll(): Promise<void> {
    const { log, topics } = this.#options
    const { earliest, next } = (await log.offsets(topics.control))[this.#partition]!
    const from = BigInt(this.#registry.position + 1)
    if (from >= next) return
    await this.#newest.look()
    for await (const records of log.readRange(topics.control, this.#partition, from > earliest ? from : earliest, next)) {
      for (const record of records) await this.#decide(record)
    }
    // What compaction took away, and the marks of transactions, are behind us as well.
    if (this.#registry.position < Number(next) - 1) await this.#commit([positionRecord(Number(next) - 1)])
  }

  async #decide({ offset, value }: LogRecord): Promise<void> {
    const control = value && this.#readControl(value)
    if (!control) return
    const { outcome, why, changed } = decideControl(this.#registry, control, this.#newest.atMs, this.#options.policy)
    if (this.#ending.signal.aborted) return
    await this.#commit([...changed, positionRecord(Number(offset))])
    this.#options.observe({ kind: 'decided', control, outcome, why })
    for (const model of changed) this.#options.observe({ kind: 'moved', model })
  }

  /** Asks for what the schedule has due, and writes the next runs down when they have changed. */
  async #askAsPlanned(): Promise<void> {
    const { schedule, topics, policy, now, observe } = this.#options
    const partition = this.#partition
    const nowMs = now()
    const plan = () =>
      schedule ? planRuns({ registry: this.#registry, schedule, kind: policy.kind, nowMs, asked: this.#asked }) : []
    const due = plan().filter(({ atMs }) => atMs <= nowMs)
    if (schedule && due.length > 0) {
      const requests = due.map((run) => encode('Control', scheduledRequest(run, schedule)))
      const toRecord = (value: Buffer, i: number) => ({
        topic: topics.control,
        partition,
        key: Buffer.from(due[i]!.scope),
        value,
      })
      await this.#producer!.commit(requests.map(toRecord))
      for (const { scope, atMs } of due) this.#asked.set(scope, atMs)
    }
    const runs = plan()
    if (!isDeepStrictEqual(runs, this.#registry.plan)) await this.#commit([planRecord(runs)])
    observe({ kind: 'planned', partition, runs })
  }

  async #tidyUp(): Promise<void> {
    const gone = await this.#tidying.tidyUp(this.#registry, this.#versions, (models, ids) => this.#commit(models, ids))
    for (const scope of gone) this.#asked.delete(scope)
  }

  #readControl(value: Uint8Array): Control | undefined {
    try {
      return decode('Control', value)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#options.observe({ kind: 'damaged', error })
      return undefined
    }
  }

  async #do(due: DueWork): Promise<void> {
    const { model } = due
    const { observe } = this.#options
    try {
      const next = await this.#work(due)
      if (this.#ending.signal.aborted) return
      await this.#commit([next])
      observe({ kind: 'moved', model: next })
    } catch (error) {
      if (this.#ending.signal.aborted || error instanceof LogError) throw error
      const tries = (this.#tries.get(model.modelId) ?? 0) + 1
      this.#tries.set(model.modelId, tries)
      const isLast = tries >= mostTries && mayBecome(model, 'rejected')
      observe({ kind: 'failed', model, error: error as Error, isLast })
      if (!isLast) return
      const atMs = this.#registry.nextChangeMs(model.scope, model.stateAtMs)
      await this.#commit([moved(model, 'rejected', { atMs, decision: `failed ${tries} times: ${(error as Error).message}` })])
    }
  }

  async #work(due: DueWork): Promise<Model> {
    const unwritten = new AbortController()
    const progress = this.#progressOf(due, (error) => unwritten.abort(error))
    try {
      return await this.#options.work(due, this.#partition, {
        signal: AbortSignal.any([this.#ending.signal, unwritten.signal]),
        inForce: (scope) => this.#registry.inForce(scope),
        read: (modelId) => this.#versions.read(modelId),
        onProgress: progress.onProgress,
      })
    } finally {
      await progress.written()
      // Its outcome could not be written either: after a failure the producer is finished.
      unwritten.signal.throwIfAborted()
    }
  }

  /** Tells how far it is, and writes it down at most once in `progressMs`. */
  #progressOf(due: DueWork, onUnwritten: (error: Error) => void) {
    let writing: Promise<void> | undefined
    let writtenMs = performance.now()
    let first: ToldShare | undefined
    const onProgress = (share: number) => {
      this.#options.observe({ kind: 'progress', model: due.model, share })
      const told = { share, atMs: performance.now() }
      first ??= told
      if (writing || told.atMs - writtenMs < progressMs) return
      writtenMs = told.atMs
      const decision = due.action === 'train' ? 'in training' : due.model.decision
      writing = this.#commit([{ ...due.model, metrics: progressMetrics(progressSince(first, told)), decision }])
        .catch(onUnwritten)
        .finally(() => {
          writing = undefined
        })
    }
    return { onProgress, written: async () => writing }
  }

  /** All of it or nothing; a version without its weights, as the registry has it, gets them from its earlier record. */
  async #commit(models: readonly Model[], forgottenIds: readonly string[] = []): Promise<void> {
    const whole: Model[] = []
    for (const model of models) {
      const needsWeights = model.sha256 !== '' && model.artefactUri === '' && !model.weights
      whole.push(needsWeights ? { ...model, weights: (await this.#versions.read(model.modelId))?.weights ?? null } : model)
    }
    const partition = this.#partition
    const topic = this.#options.topics.models
    const toRecord = (modelId: string, value: Buffer | null) => ({ topic, partition, key: Buffer.from(modelId), value })
    await this.#producer!.commit([
      ...forgottenIds.map((modelId) => toRecord(modelId, null)),
      ...whole.map((model) => toRecord(model.modelId, encode('Model', model))),
    ])
    for (const modelId of forgottenIds) this.#forget(modelId)
    for (const model of whole) this.#registry.put(model)
  }

  #forget(modelId: string): void {
    this.#registry.remove(modelId)
    this.#tries.delete(modelId)
  }
}
