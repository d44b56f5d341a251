/**
 * Cohorts in the detector of a partition: what new series start from, and what is told to the other partitions.
 *
 * Once an hour of its own time each series of a batch is looked at; where enough of a cohort are there and agree, the state of the one
 * that stands for them goes to the models topic. Nothing is remembered for that between batches, so a replay tells the same.
 * Priors come in as records of a side input and are part of the partition's state. `libs/detection/src/cohort-start.ts` decides.
 */
import { createHash } from 'node:crypto'
import { DecodeError, decode, encode } from '@lapwing/contracts/codec'
import { bytesOf } from '@lapwing/contracts/columns'
import { type LabelSet, seriesText } from '@lapwing/contracts/series'
import {
  type Band,
  type CohortStart,
  justStarted,
  observeStart,
  ownSamples,
  type StartOutcome,
  standsFor,
  trialSamples,
} from '@lapwing/detection/cohort-start'
import type { SampleInput } from '@lapwing/detection/sample'
import { SeriesDetector, type SeriesDetectorOptions, snapshotVersion } from '@lapwing/detection/series-detector'
import type { Verdict } from '@lapwing/detection/verdict'
import { emptyModel } from '@lapwing/models/registry'
import type { LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import type { KeyState } from '@lapwing/stream/partition-state'
import { takeGone } from './gone-keys.ts'

/** What a cohort is called, and its key. */
export interface Cohort {
  readonly name: string
  /** 32 hexadecimal digits. */
  readonly key: string
}

/** The same metric with the same labels, whichever pod or instance of it. */
export function cohortOf(labels: LabelSet): Cohort {
  const name = seriesText(labels.filter((label) => !ofOneMember.has(label.name)))
  return { name, key: createHash('sha256').update(name).digest('hex').slice(0, 32) }
}

const ofOneMember: ReadonlySet<string> = new Set(['pod', 'instance'])

/** A series that is due, as the detector sees it. */
export interface CohortMember extends Band {
  readonly slot: number
  readonly cohort: Cohort
}

/** Whether a new hour begins for the series with this sample. */
export function isDue(lastMs: number, timestampMs: number): boolean {
  return lastMs > 0 && Math.floor(lastMs / publishEveryMs) !== Math.floor(timestampMs / publishEveryMs)
}

/** What became of new series whose cohort is known: started from its prior, then trusted or not; or the prior was too old. */
export const startCounts = ['started', 'trusted', 'misfit', 'expired'] as const
export type StartCounts = Record<(typeof startCounts)[number], number>

export interface CohortOptions {
  readonly detector: SeriesDetector
  readonly detectorOptions: SeriesDetectorOptions
  /** Name of what snapshots belong to; priors of another one are left. */
  readonly stateName: string
  readonly modelsTopic: string
  keyOf(slot: number): Uint8Array
  slotOf(seriesKey: Uint8Array): number
}

interface Prior {
  readonly createdAtMs: number
  readonly snapshot: Uint8Array
}

export class Cohorts {
  readonly #options: CohortOptions
  /** By the key of the cohort. */
  readonly #priors = new Map<string, Prior>()
  readonly #starts = new Map<number, CohortStart>()
  readonly #changedPriors = new Set<string>()
  readonly #changedStarts = new Set<number>()
  #counts = noStarts()
  /** A detector to try snapshots in. */
  readonly #scratch: SeriesDetector

  constructor(options: CohortOptions) {
    this.#options = options
    this.#scratch = new SeriesDetector(options.detectorOptions)
  }

  /** Lets a series that has seen nothing start from its cohort, when there is a prior. */
  begin(slot: number, labels: () => LabelSet, { timestampMs, stepMs, live }: SampleInput): void {
    if (this.#priors.size === 0 || !live) return
    const { key } = cohortOf(labels())
    const prior = this.#priors.get(key)
    if (!prior) return
    if (timestampMs - prior.createdAtMs > priorLifeMs) {
      this.#counts.expired++
      this.#priors.delete(key)
      this.#changedPriors.add(key)
      return
    }
    this.#counts.started++
    this.#options.detector.startFrom(slot, prior.snapshot, timestampMs - Math.max(stepMs, 1))
    this.#keepStart(slot, justStarted)
  }

  /** After the detector's verdict on a sample; undefined for a series that did not start from a prior, or long ago. */
  observe(slot: number, verdict: Verdict, timestampMs: number): StartOutcome | undefined {
    const before = this.#starts.size > 0 ? this.#starts.get(slot) : undefined
    if (!before) return undefined
    const { start, outcome } = observeStart(before, {
      isAnomalous: verdict.score > 1,
      isEpisodeOpen: verdict.state === 'anomalous',
    })
    if (outcome.kind === 'misfit') this.#counts.misfit++
    else if (start.samples === trialSamples) this.#counts.trusted++
    // With a last sample it is no series that has seen nothing, which would start from the prior again.
    if (outcome.kind === 'misfit') this.#options.detector.clear(slot, timestampMs)
    this.#keepStart(slot, outcome.kind === 'misfit' || start.samples >= ownSamples ? undefined : start)
    return outcome
  }

  /** Forgets the series; returns its key on the state topic. */
  forget(slot: number): Uint8Array {
    this.#starts.delete(slot)
    this.#changedStarts.delete(slot)
    return this.#startKey(slot)
  }

  /** Since it was asked last. */
  takeCounts(): StartCounts {
    const counts = this.#counts
    this.#counts = noStarts()
    return counts
  }

  /** What the due series of a batch have to tell. */
  *publish(members: readonly CohortMember[], batch: LogRecord, newestMs: number): Generator<OutgoingRecord> {
    let published = 0
    for (const all of grouped(members)) {
      const chosen = all[standsFor(all)]
      if (!chosen) continue
      yield this.#record(all, chosen, batch, newestMs)
      if (++published === mostPublished) return
    }
  }

  /** Takes a record of the models topic in. Throws a DecodeError. */
  apply({ value }: Pick<LogRecord, 'value'>): void {
    if (!value) return
    const { kind, scope, configHash, createdAtMs, weights } = decode('Model', value)
    const version = this.#versionOf(configHash)
    if (kind !== priorKind || version === undefined || !weights) return
    const key = scope.slice(scopePrefix.length)
    if (!scope.startsWith(scopePrefix) || !/^[0-9a-f]{32}$/.test(key)) throw new DecodeError('malformed', `a prior of ${scope}`)
    const snapshot = this.#checked(weights, version)
    const known = this.#priors.get(key)
    if (known && known.createdAtMs >= createdAtMs) return
    this.#keepPrior(key, { createdAtMs, snapshot })
  }

  /** Keys on the state topic of starts that are over and of priors that are kept no longer. */
  takeForgotten(): Uint8Array[] {
    const starts = takeGone(this.#changedStarts, (slot) => this.#starts.has(slot)).map((slot) => this.#startKey(slot))
    const priors = takeGone(this.#changedPriors, (key) => this.#priors.has(key)).map(priorKey)
    return [...starts, ...priors]
  }

  *takeChanged(): Generator<KeyState> {
    for (const slot of this.#changedStarts) {
      const { samples, anomalousSamples } = this.#starts.get(slot)!
      yield { key: this.#startKey(slot), snapshot: bytesOf(Float64Array.of(samples, anomalousSamples)) }
    }
    for (const key of this.#changedPriors) {
      const { createdAtMs, snapshot } = this.#priors.get(key)!
      yield { key: priorKey(key), snapshot: Buffer.concat([bytesOf(Float64Array.of(createdAtMs)), snapshot]) }
    }
    this.#changedStarts.clear()
    this.#changedPriors.clear()
  }

  /** False when the key is of something else. Throws a RangeError when the bytes do not fit. */
  restore(key: Uint8Array, snapshot: Uint8Array, version: number): boolean {
    const tag = key.length === 17 ? key[16] : undefined
    if (tag !== startTag && tag !== priorTag) return false
    const copy = Buffer.from(snapshot)
    if (tag === startTag) this.#restoreStart(key, copy)
    else this.#restorePrior(Buffer.from(key.subarray(0, 16)).toString('hex'), copy, version)
    return true
  }

  /** What is empty was written by 0.1.0 for a prior that is kept no longer, and leaves the topic. */
  #restorePrior(key: string, copy: Buffer, version: number): void {
    if (copy.length <= 8) this.#changedPriors.add(key)
    else this.#priors.set(key, { createdAtMs: copy.readDoubleLE(0), snapshot: this.#inCurrentLayout(copy.subarray(8), version) })
  }

  #startKey(slot: number): Uint8Array {
    return stateKey(this.#options.keyOf(slot), startTag)
  }

  #restoreStart(key: Uint8Array, copy: Buffer): void {
    if (copy.length !== 16) throw new RangeError(`the start of a series takes 16 bytes, found ${copy.length}`)
    const slot = this.#options.slotOf(key)
    const start = { samples: copy.readDoubleLE(0), anomalousSamples: copy.readDoubleLE(8) }
    if (slot !== -1 && start.samples > 0) this.#starts.set(slot, start)
  }

  #record(
    members: readonly CohortMember[],
    { slot, cohort }: CohortMember,
    { partition }: LogRecord,
    newestMs: number,
  ): OutgoingRecord {
    const { detector, stateName, modelsTopic } = this.#options
    const weights = Buffer.from(detector.snapshot(slot))
    const modelId = `${priorPrefix}${cohort.key}`
    const value = encode('Model', {
      ...emptyModel,
      modelId,
      scope: `${scopePrefix}${cohort.key}`,
      kind: priorKind,
      state: 'promoted',
      createdAtMs: newestMs,
      trainedToMs: newestMs,
      configHash: `${stateName}/${snapshotVersion}`,
      metrics: [{ name: 'series', value: members.length }],
      sha256: createHash('sha256').update(weights).digest('hex'),
      weights,
      stateAtMs: newestMs,
    })
    return { topic: modelsTopic, partition, key: Buffer.from(modelId), value }
  }

  /** Layout of a prior's snapshot; the first ones did not name it. Undefined for a prior of other settings, or of a newer detector. */
  #versionOf(configHash: string): number | undefined {
    const { stateName } = this.#options
    if (configHash === stateName) return firstVersion
    return configHash === `${stateName}/${snapshotVersion}` ? snapshotVersion : undefined
  }

  /** Throws a RangeError when no series could go on from it. */
  #inCurrentLayout(snapshot: Uint8Array, version: number): Uint8Array {
    this.#scratch.restore(0, snapshot, version)
    return version === snapshotVersion ? snapshot : this.#scratch.snapshot(0)
  }

  /** Throws a DecodeError when no series could go on from it. */
  #checked(snapshot: Uint8Array, version: number): Uint8Array {
    try {
      return this.#inCurrentLayout(snapshot, version)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw new DecodeError('malformed', `a prior that does not fit: ${error.message}`)
    }
  }

  /** Of too many the oldest goes: by its time, because the order in which they are kept is another after a restart. */
  #keepPrior(key: string, prior: Prior): void {
    this.#priors.set(key, prior)
    this.#changedPriors.add(key)
    if (this.#priors.size <= mostPriors) return
    const [oldest] = [...this.#priors].reduce((a, b) => (isOlder(b, a) ? b : a))
    this.#priors.delete(oldest)
    this.#changedPriors.add(oldest)
  }

  #keepStart(slot: number, start: CohortStart | undefined): void {
    if (start) this.#starts.set(slot, start)
    else this.#starts.delete(slot)
    this.#changedStarts.add(slot)
  }
}

const publishEveryMs = 3_600_000
/** A cohort that lives tells of itself each hour; what one was like a week ago says little of today. */
export const priorLifeMs = 7 * 24 * 3_600_000
/** Of one batch: cohorts may be as many as series. */
const mostPublished = 32
/** Kept by a partition; a prior takes some kilobytes. */
const mostPriors = 256
const priorKind = 'cohort-prior'
/** How the key of a prior begins on the models topic. */
export const priorPrefix = `${priorKind}/`
/** Layout of snapshots when the first priors were told. */
const firstVersion = 2
const scopePrefix = 'cohort:'
/** Last byte of a key on the state topic; 1 is feedback. */
const startTag = 2
const priorTag = 3

function noStarts(): StartCounts {
  return { started: 0, trusted: 0, misfit: 0, expired: 0 }
}

function stateKey(key: Uint8Array, tag: number): Uint8Array {
  return Uint8Array.of(...key, tag)
}

function priorKey(key: string): Uint8Array {
  return stateKey(Buffer.from(key, 'hex'), priorTag)
}

function isOlder([a, one]: readonly [string, Prior], [b, other]: readonly [string, Prior]): boolean {
  return one.createdAtMs === other.createdAtMs ? a < b : one.createdAtMs < other.createdAtMs
}

/** By cohort, in the order in which they are met. */
function grouped(members: readonly CohortMember[]): Iterable<readonly CohortMember[]> {
  const groups = new Map<string, CohortMember[]>()
  for (const member of members) {
    const group = groups.get(member.cohort.key)
    if (group) group.push(member)
    else groups.set(member.cohort.key, [member])
  }
  return groups.values()
}
