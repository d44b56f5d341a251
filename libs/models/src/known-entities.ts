/**
 * Which entities that have models are still there. Pure.
 *
 * Where entities come and go, each leaves its versions behind, and nobody asks for them again. So once in a while it is looked at which entities samples came of; one
 * is gone by the rule that holds for series: when nothing has come of it for longer than it was known, at least a day, at most `forgetAfterMs`.
 *
 * Time is the newest of the samples that the trainer has seen: an entity was last seen when a look found it, so a sample with a time ahead of all others makes
 * nobody gone, but those who come after it look younger. It is judged as of the look before, so a time in which nothing came at all is held against nobody.
 */
import type { Model } from '@lapwing/contracts/records'
import { isForgotten } from '@lapwing/detection/forgetting'

/** Times of the samples, milliseconds since the epoch. */
export interface KnownEntity {
  readonly begunMs: number
  readonly seenMs: number
}

/** What a look found, as it is written down for the next one. */
export interface KnownEntities {
  /** By the clock of whoever looked, milliseconds since the epoch; 0 before the first look. */
  readonly lookedMs: number
  /** Newest time of the samples, milliseconds since the epoch. */
  readonly atMs: number
  /** Offset of the first sample batch that was not looked at; -1 before the first look. */
  readonly nextOffset: number
  /** By scope. */
  readonly entities: ReadonlyMap<string, KnownEntity>
  /** Addresses of weights of versions that were forgotten: removed with the next look, when nobody scores by them any more. */
  readonly leftArtefacts: readonly string[]
}

export const nothingKnown: KnownEntities = { lookedMs: 0, atMs: 0, nextOffset: -1, entities: new Map(), leftArtefacts: [] }

export interface Look extends Pick<KnownEntities, 'lookedMs' | 'atMs' | 'nextOffset'> {
  /** Whether samples came of the scope since the last look; true too where that cannot be told. */
  isSeen(scope: string): boolean
}

/** About 110 bytes each: what is known must stay well below the 1 MB that a broker takes of a record. More have models for ever. */
export const entitiesMax = 5000

export interface ForgettingRules {
  /** Of an entity that nothing came of for so long nothing is kept, however long it was known. */
  readonly forgetAfterMs: number
  /** How many may be gone with one look; the others go with a later one. */
  readonly goneMax: number
}

/** @param versions all of the partition */
export function lookAgain(
  before: KnownEntities,
  versions: readonly Model[],
  { isSeen, ...look }: Look,
  { forgetAfterMs, goneMax }: ForgettingRules,
): { readonly known: KnownEntities; readonly gone: ReadonlySet<string> } {
  const atMs = Math.max(before.atMs, look.atMs)
  const entities = new Map<string, KnownEntity>()
  const gone = new Set<string>()
  for (const [scope, createdAtMs] of oldestVersions(versions)) {
    const entity = before.entities.get(scope)
    const isGone = entity && gone.size < goneMax && !isSeen(scope) && isIdle(entity, before.atMs, forgetAfterMs)
    if (isGone && !versions.some((model) => model.scope === scope && beingMade.has(model.state))) gone.add(scope)
    else if (entities.size === entitiesMax) continue
    else if (!entity) entities.set(scope, { begunMs: Math.min(createdAtMs, atMs), seenMs: atMs })
    else entities.set(scope, isSeen(scope) ? { ...entity, seenMs: atMs } : entity)
  }
  return { known: { ...before, ...look, atMs, entities }, gone }
}

/** Of these the trainer makes something else in a bounded time; whoever asked for them gets an answer. */
const beingMade: ReadonlySet<Model['state']> = new Set(['requested', 'trained', 'validated'])

function isIdle({ begunMs, seenMs }: KnownEntity, nowMs: number, forgetAfterMs: number): boolean {
  return isForgotten({ lastSampleMs: seenMs, knownMs: seenMs - begunMs }, nowMs, forgetAfterMs)
}

/** When the oldest version of each scope was made. */
function oldestVersions(versions: readonly Model[]): Map<string, number> {
  const oldest = new Map<string, number>()
  for (const { scope, createdAtMs } of versions) oldest.set(scope, Math.min(createdAtMs, oldest.get(scope) ?? createdAtMs))
  return oldest
}
