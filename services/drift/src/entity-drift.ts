/**
 * From drift of series to requests for retraining: one for each model, however many of its series moved.
 *
 * A deploy moves many series of an entity within minutes, and one series in a hundred moves by chance. So a request needs scores that
 * rise in several series of the entity within `gatherMs` (a tenth of them, two or three), or the score of the entity itself. Once the entity has been scored by
 * a model only its own score counts: a model that still describes its series has nothing to learn from them; and what that score does at this time of every day is no drift (`score-season.ts`), nor is a rise that does
 * not last (`lasting-rise.ts`); one that lasts asks again while no new model comes (`standing-drift.ts`). What people say of the episodes of that score counts too (`model-verdicts.ts`). After a request the entity asks for nothing for
 * `cooldownMs`, and never for more than `requestsPerWeek`: that is the budget of false alarms, whatever the detectors do. Pure; time is that of samples.
 */
import { bytesOf, float64Column } from '@lapwing/contracts/columns'
import type { Feedback } from '@lapwing/contracts/records'
import type { LabelSet } from '@lapwing/contracts/series'
import type { DriftChange } from '@lapwing/detection/drift-detector'
import { type AwaitedRise, awaitRise, observeRise } from './lasting-rise.ts'
import {
  beginVerdicts,
  driftOf,
  type ModelVerdicts,
  spend,
  type VerdictDrift,
  type VerdictOutcome,
  withoutVerdict,
  withVerdict,
} from './model-verdicts.ts'
import { ScoreSeason } from './score-season.ts'
import { askedFor, beginStanding, observeStanding, type StandingDrift } from './standing-drift.ts'

export interface EntityDriftOptions {
  readonly cooldownMs: number
  readonly requestsPerWeek: number
}

/** Drift of one series. */
export interface SeriesDrift {
  readonly seriesKey: string
  readonly labels: LabelSet
  readonly atMs: number
  readonly change: DriftChange
  /** The series is the score of the whole entity under its batch model. */
  readonly isOfEntity: boolean
}

/** What keeps drift from being a request. */
export const heldBy = ['fall', 'model', 'small', 'season', 'brief', 'quorum', 'cooldown', 'budget'] as const
export type HeldBy = (typeof heldBy)[number]

export type EntityDriftOutcome =
  /** A rise of the score of the entity, which has to last. */
  | { readonly kind: 'awaited' }
  | {
      readonly kind: 'request'
      readonly strongest: SeriesDrift
      readonly others: number
      /** Of drift that was noticed then and has lasted without a new model. */
      readonly standsSinceMs?: number
    }
  /** By verdicts of people. */
  | { readonly kind: 'judged'; readonly drift: VerdictDrift }
  | { readonly kind: 'held'; readonly by: HeldBy }

const gatherMs = 30 * 60_000
/**
 * Of the mean score of a series, where 1 is what makes an anomaly. Detectors of change are sure of less: the scores of calm series that were learned
 * a few hours ago rise from 0.04 to 0.13. The score of an entity has no such bound: one that creeps rises by little each time.
 */
const leastRise = 0.2
const quorumShare = 0.1
const quorumLeast = 2
const quorumMost = 3
const weekMs = 7 * 24 * 3_600_000

export class EntityDrift {
  /** Series watched. */
  series = 0
  /** A model of the entity has scored it. Stays: without one in force a request has no model to renew. */
  #hasModel = false
  /** Of the score of the entity. */
  readonly #season = new ScoreSeason()
  #rise: AwaitedRise<SeriesDrift> | undefined
  /** Of the score of the entity: it lasts, and no model has come since. */
  #standing: StandingDrift<SeriesDrift> | undefined
  /** On the version that scores it; none before its first score. */
  #verdicts: ModelVerdicts | undefined
  #quietUntilMs = 0
  /** Requests that may still be made, and as of when. */
  #allowed: number
  #allowedAtMs = 0
  /** Drift that waits for company: fewer than a quorum. */
  #recent: SeriesDrift[] = []

  constructor({ requestsPerWeek }: EntityDriftOptions) {
    this.#allowed = requestsPerWeek
  }

  /** From now on the entity is scored by this model, or by another one than before. */
  beginModel(): void {
    this.#hasModel = true
    this.#rise = undefined
    this.#verdicts = undefined
    // What a model was needed for is nothing that this time of day brings.
    if (this.#standing) this.#season.forgetSince(this.#standing.rise.drift.atMs - gatherMs)
    this.#standing = undefined
  }

  /** A score of the whole entity; the drift to take now, when a rise has come to its end. */
  observe(atMs: number, score: number, options: EntityDriftOptions): EntityDriftOutcome | undefined {
    this.#season.observe(atMs, score)
    return (
      this.#followRise(atMs, score, options) ?? this.#followStanding(atMs, score, options) ?? this.#followVerdicts(atMs, options)
    )
  }

  /** With each score of the entity: the first one under a version is where verdicts on it begin. */
  expectVerdicts(seriesKey: string, atMs: number): void {
    this.#verdicts ??= beginVerdicts(seriesKey, atMs)
  }

  judge(feedback: Feedback): VerdictOutcome {
    if (!this.#verdicts) return 'no_model'
    const { verdicts, outcome } = withVerdict(this.#verdicts, feedback)
    this.#verdicts = verdicts
    return outcome
  }

  /** False when no verdict on this anomaly counts. */
  takeBack(anomalyId: string): boolean {
    const verdicts = this.#verdicts && withoutVerdict(this.#verdicts, anomalyId)
    if (verdicts) this.#verdicts = verdicts
    return verdicts !== undefined
  }

  /** Of the scores of the entity; undefined before the first. */
  get scoresKey(): string | undefined {
    return this.#verdicts?.seriesKey
  }

  /** What must not be asked for now is asked for as soon as it may, while the verdicts still say it. */
  #followVerdicts(atMs: number, { cooldownMs, requestsPerWeek }: EntityDriftOptions): EntityDriftOutcome | undefined {
    if (!this.#verdicts || atMs < this.#quietUntilMs) return undefined
    const drift = driftOf(this.#verdicts)
    if (!drift) return undefined
    this.#refill(atMs, requestsPerWeek)
    if (this.#allowed < 1) return undefined
    this.#allowed--
    this.#quietUntilMs = atMs + cooldownMs
    this.#verdicts = spend(this.#verdicts)
    return { kind: 'judged', drift }
  }

  #followRise(atMs: number, score: number, options: EntityDriftOptions): EntityDriftOutcome | undefined {
    if (!this.#rise) return undefined
    const { rise, outcome } = observeRise(this.#rise, score)
    this.#rise = outcome === 'waits' ? rise : undefined
    if (outcome === 'waits') return undefined
    return outcome === 'brief' ? { kind: 'held', by: 'brief' } : this.#askFor({ ...rise.drift, atMs }, rise.drift, options)
  }

  #followStanding(atMs: number, score: number, options: EntityDriftOptions): EntityDriftOutcome | undefined {
    if (!this.#standing) return undefined
    const outcome = observeStanding(this.#standing, atMs, score)
    this.#standing = outcome.kind === 'gone' ? undefined : outcome.standing
    if (outcome.kind !== 'due') return undefined
    const { drift } = outcome.standing.rise
    const asked = this.#askFor({ ...drift, atMs, change: { ...drift.change, after: outcome.mean } }, drift, options)
    return asked.kind === 'request' ? { ...asked, standsSinceMs: drift.atMs } : asked
  }

  /** For a rise that lasts, as it is now and as it was noticed. What stands already goes on standing as it was. */
  #askFor(now: SeriesDrift, noticed: SeriesDrift, options: EntityDriftOptions): EntityDriftOutcome {
    const outcome = this.#admit(now, options)
    this.#standing ??= beginStanding(noticed, this.#quietUntilMs)
    if (outcome.kind === 'request') this.#standing = askedFor(this.#standing, now.atMs, options.cooldownMs)
    return outcome
  }

  take(drift: SeriesDrift, options: EntityDriftOptions): EntityDriftOutcome {
    // Scores fall while a model is still learning, and after a new one came into force.
    if (isOfMean(drift) && drift.change.after < drift.change.before) {
      if (drift.isOfEntity) this.#rise = undefined
      return { kind: 'held', by: 'fall' }
    }
    if (this.#hasModel && !drift.isOfEntity) return { kind: 'held', by: 'model' }
    if (!drift.isOfEntity && isOfMean(drift) && sizeOf(drift) < leastRise) return { kind: 'held', by: 'small' }
    if (drift.isOfEntity && isOfMean(drift) && this.#season.knows(drift.change, drift.atMs)) return { kind: 'held', by: 'season' }
    if (!drift.isOfEntity || !isOfMean(drift)) return this.#admit(drift, options)
    this.#rise ??= awaitRise(drift)
    return { kind: 'awaited' }
  }

  #admit(drift: SeriesDrift, { cooldownMs, requestsPerWeek }: EntityDriftOptions): EntityDriftOutcome {
    if (drift.atMs < this.#quietUntilMs) return { kind: 'held', by: 'cooldown' }
    const isNew = ({ seriesKey, atMs }: SeriesDrift) => seriesKey !== drift.seriesKey && atMs > drift.atMs - gatherMs
    this.#recent = [...this.#recent.filter(isNew), drift]
    const quorum = Math.min(this.series, quorumMost, Math.max(quorumLeast, Math.ceil(quorumShare * this.series)))
    if (!drift.isOfEntity && this.#recent.length < quorum) return { kind: 'held', by: 'quorum' }
    this.#refill(drift.atMs, requestsPerWeek)
    if (this.#allowed < 1) return { kind: 'held', by: 'budget' }
    this.#allowed--
    this.#quietUntilMs = drift.atMs + cooldownMs
    const strongest = this.#recent.reduce((most, one) => (sizeOf(one) > sizeOf(most) ? one : most))
    const others = this.#recent.length - 1
    this.#recent = []
    return { kind: 'request', strongest, others }
  }

  /** A cooldown runs, or the budget is not whole: to forget it would grant requests. */
  isHeldBack(atMs: number, { requestsPerWeek }: EntityDriftOptions): boolean {
    return atMs < this.#quietUntilMs || this.#allowed + this.#earned(atMs, requestsPerWeek) < requestsPerWeek
  }

  snapshot(): Uint8Array {
    const { series } = this
    const numbers = {
      series,
      hasModel: this.#hasModel,
      quietUntilMs: this.#quietUntilMs,
      allowed: this.#allowed,
      allowedAtMs: this.#allowedAtMs,
    }
    const season = bytesOf(this.#season.snapshot()).toString('base64')
    const watched = { recent: this.#recent, season, rise: this.#rise, standing: this.#standing, verdicts: this.#verdicts }
    return Buffer.from(JSON.stringify({ ...numbers, ...watched }))
  }

  /** Throws a RangeError when it is no snapshot. */
  restore(snapshot: Uint8Array): void {
    const { series, hasModel, quietUntilMs, allowed, allowedAtMs, recent, season, rise, standing, verdicts } = parsed(snapshot)
    if (![series, quietUntilMs, allowed, allowedAtMs].every(Number.isFinite) || !Array.isArray(recent)) {
      throw new RangeError('the drift of an entity lacks a number')
    }
    this.series = series
    this.#hasModel = hasModel ?? false
    this.#quietUntilMs = quietUntilMs
    this.#allowed = allowed
    this.#allowedAtMs = allowedAtMs
    this.#recent = recent
    this.#rise = rise
    this.#standing = standing
    this.#verdicts = verdicts
    if (season) this.#season.restore(float64Column(Buffer.from(season, 'base64')))
  }

  #refill(atMs: number, requestsPerWeek: number): void {
    this.#allowed = Math.min(requestsPerWeek, this.#allowed + this.#earned(atMs, requestsPerWeek))
    this.#allowedAtMs = Math.max(this.#allowedAtMs, atMs)
  }

  #earned(atMs: number, requestsPerWeek: number): number {
    if (this.#allowedAtMs === 0) return requestsPerWeek
    return Math.max(0, ((atMs - this.#allowedAtMs) / weekMs) * requestsPerWeek)
  }
}

/** What DDM and EDDM watch is a share or a distance. */
function isOfMean({ change }: SeriesDrift): boolean {
  return change.watched === 'mean score'
}

function sizeOf({ change }: SeriesDrift): number {
  return Math.abs(change.after - change.before)
}

interface Snapshot {
  readonly series: number
  /** Missing in what earlier releases wrote, as are the season and the verdicts. */
  readonly hasModel?: boolean
  readonly season?: string
  readonly verdicts?: ModelVerdicts
  /** While one is awaited. */
  readonly rise?: AwaitedRise<SeriesDrift>
  /** While one stands. */
  readonly standing?: StandingDrift<SeriesDrift>
  readonly quietUntilMs: number
  readonly allowed: number
  readonly allowedAtMs: number
  readonly recent: SeriesDrift[]
}

function parsed(snapshot: Uint8Array): Snapshot {
  try {
    return JSON.parse(Buffer.from(snapshot).toString()) as Snapshot
  } catch {
    throw new RangeError('the drift of an entity cannot be read')
  }
}
