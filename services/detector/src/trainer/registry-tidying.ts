/**
 * What is of no use any more leaves the registry of a partition: versions that nobody goes back to, and all that belongs to an entity that is gone. And from the same topic priors of
 * cohorts that nobody begins from any more: a cohort that lives tells its prior anew each hour.
 *
 * Looked for once in an hour. What is forgotten gets a tombstone, and the addresses of its weights are written down in the same transaction; they are removed with the look
 * after it, when whoever scores entities has long taken the tombstone in. So whoever dies in between leaves nothing behind that the next owner would not remove, and no version is ever without
 * its weights.
 */
import type { Model } from '@lapwing/contracts/records'
import { lookAgain } from '@lapwing/models/known-entities'
import { oldVersions } from '@lapwing/models/old-versions'
import { knownRecord, type ModelRegistry } from '@lapwing/models/registry'
import type { Log } from '@lapwing/stream/log'
import { priorLifeMs, priorPrefix } from '../cohorts.ts'
import { readEntitiesSeen } from './entities-seen.ts'
import type { NewestSample } from './newest-sample.ts'
import type { VersionRecords } from './version-records.ts'

export interface TidyingOptions {
  readonly log: Log
  readonly topics: { readonly samples: string }
  /** Versions of an entity that are kept beside those that are needed. */
  readonly keptVersions: number
  /** Of an entity that nothing came of for so long nothing is kept, however long it was known. */
  readonly forgetAfterMs: number
  /** Removes weights that no version names any more. */
  removeArtefact(uri: string): Promise<void>
  /** Milliseconds since the epoch: for the schedule, and for when to look for what is of no use any more. */
  now(): number
  observe(event: TidyingEvent): void
}

/** Why a version is forgotten: nobody goes back to it, or its entity is gone. */
export const forgetReasons = ['old', 'gone'] as const
export type ForgetReason = (typeof forgetReasons)[number]

export type TidyingEvent =
  | { readonly kind: 'forgotten'; readonly model: Model; readonly reason: ForgetReason }
  | { readonly kind: 'not_removed'; readonly uri: string; readonly error: Error }

/** Writes versions, and tombstones for others, in one transaction. Rejects with a LogError when the partition is somebody else's. */
type Commit = (models: readonly Model[], forgottenIds: readonly string[]) => Promise<void>

const lookEveryMs = 3_600_000
/** Addresses of about 100 bytes: a store that is down for days must not make the record larger than a broker takes. */
const leftArtefactsMax = 1000
/** Entities that are forgotten with one look, with some versions each. */
const goneAtOnceMax = 100

function hasEntities(registry: ModelRegistry): boolean {
  const { entities, leftArtefacts } = registry.known
  return registry.all().length > 0 || entities.size > 0 || leftArtefacts.length > 0
}

export class RegistryTidying {
  readonly #options: TidyingOptions
  readonly #partition: number
  readonly #newest: NewestSample
  readonly #signal: AbortSignal
  /** When there was nothing to do last. */
  #idleMs = 0

  constructor(options: TidyingOptions, partition: number, newest: NewestSample, signal: AbortSignal) {
    this.#options = options
    this.#partition = partition
    this.#newest = newest
    this.#signal = signal
  }

  /** Does nothing until it is time for a look. Resolves with the scopes of which nothing is left. Rejects with a LogError. */
  async tidyUp(registry: ModelRegistry, versions: VersionRecords, commit: Commit): Promise<ReadonlySet<string>> {
    const { keptVersions, observe, now } = this.#options
    if (Math.abs(now() - Math.max(registry.known.lookedMs, this.#idleMs)) < lookEveryMs) return new Set()
    await versions.catchUp()
    const priors = versions.writtenBefore(priorPrefix, now() - priorLifeMs)
    const looked = hasEntities(registry) || priors.length > 0 ? await this.#look(registry) : this.#restFor(now())
    if (!looked || this.#signal.aborted) return new Set()
    const { known, gone } = looked
    const ofGone = registry.all().filter(({ scope }) => gone.has(scope))
    const room = Math.max(0, leftArtefactsMax - known.leftArtefacts.length)
    const old = oldVersions(registry, keptVersions)
      .filter(({ scope }) => !gone.has(scope))
      .slice(0, room)
    const artefacts = [...ofGone, ...old].map(({ artefactUri }) => artefactUri).filter((uri) => uri !== '')
    const leftArtefacts = [...new Set([...known.leftArtefacts, ...artefacts])]
    const forgotten = [...ofGone, ...old].map(({ modelId }) => modelId)
    await commit([knownRecord({ ...known, leftArtefacts })], [...forgotten, ...priors])
    for (const model of ofGone) observe({ kind: 'forgotten', model, reason: 'gone' })
    for (const model of old) observe({ kind: 'forgotten', model, reason: 'old' })
    await this.#removeArtefacts(known.leftArtefacts, registry, commit)
    return gone
  }

  /** There is nothing to tidy up, so nothing to write down either. */
  #restFor(nowMs: number): undefined {
    this.#idleMs = nowMs
  }

  /** undefined while it is not known how late it is. */
  async #look(registry: ModelRegistry): Promise<ReturnType<typeof lookAgain> | undefined> {
    const { log, topics, now, forgetAfterMs } = this.#options
    await this.#newest.look()
    if (this.#newest.atMs === 0) return undefined
    const { known } = registry
    const versions = registry.all()
    const scopes = new Set(versions.map(({ scope }) => scope))
    const seen = await readEntitiesSeen(log, topics.samples, this.#partition, known.nextOffset, scopes)
    const lookedMs = now()
    // One sample from the future would stop the time for all that come after it; and with it, time must not pass while nothing comes.
    const atMs = seen.nextOffset === known.nextOffset ? known.atMs : Math.min(this.#newest.atMs, lookedMs)
    const goneMax = known.leftArtefacts.length < leftArtefactsMax ? goneAtOnceMax : 0
    return lookAgain(known, versions, { ...seen, lookedMs, atMs }, { forgetAfterMs, goneMax })
  }

  /** Of versions that were forgotten with an earlier look. What another version names stays; what cannot be removed now is tried again. */
  async #removeArtefacts(uris: readonly string[], registry: ModelRegistry, commit: Commit): Promise<void> {
    const done = new Set<string>()
    for (const uri of uris) {
      const isNeeded = registry.all().some(({ artefactUri }) => artefactUri === uri)
      if (isNeeded || (await this.#isRemoved(uri))) done.add(uri)
    }
    const { known } = registry
    const leftArtefacts = known.leftArtefacts.filter((uri) => !done.has(uri))
    if (done.size > 0) await commit([knownRecord({ ...known, leftArtefacts })], [])
  }

  async #isRemoved(uri: string): Promise<boolean> {
    const { removeArtefact, observe } = this.#options
    try {
      await removeArtefact(uri)
      return true
    } catch (error) {
      observe({ kind: 'not_removed', uri, error: error as Error })
      return false
    }
  }
}
