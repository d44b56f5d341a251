/**
 * The online detector of many series: value in, score, expected band, state and episode out, one sample at a time.
 *
 * Two kinds of views of a sample. *Fading novelty* (`fading-novelty.ts`), fed with rows of five minutes, tells when the series does
 * something that it has not done before. *Channels* act on every sample: what they measure (`channel-measurements.ts`) is news
 * (`channel-news.ts`) by thresholds that are calibrated per series (`calibration.ts`). Half-space trees (`series-isolation.ts`) say how
 * isolated a sample is, and so how long an episode lasts.
 *
 * Either kind opens an episode; only what the channels confirm makes it worth a notification (`episode.ts`). Learning is protected
 * (`protected-learning.ts`). Time constants are in real time, taken from the timestamps; nothing looks at a clock.
 *
 * In the first `warmUpSamples` of a series the score is 0; what needs a day or a week of the series says nothing before it had them.
 *
 * State is a row of numbers per series in pages (`series-pages.ts`); a sample allocates nothing.
 */
import { countInBlock } from './block-calibration.ts'
import { begin, counterRate, follow, followChange, keepLevel, noteGap, silenceScore } from './channel-measurements.ts'
import { peakOf, scoreChannels, thresholdOf } from './channel-news.ts'
import { defaultPolicy, leastDeviation, matters } from './detection-policy.ts'
import { cautionAfter, episodeFields, episodeLength, observeEpisode } from './episode.ts'
import { localWeek } from './local-time.ts'
import { joined, takeAll } from './memory.ts'
import { scoreMissedEvent } from './missed-event.ts'
import { noveltyGain } from './novelty-gain.ts'
import { observeRow } from './novelty-rows.ts'
import { adoptHeldLevel, isHeld, learnLevel, learnSeason, learnSlowLevel } from './protected-learning.ts'
import { bounded, createSampleInHand, type SampleInHand, type SampleInput } from './sample.ts'
import { profileAt, found as season } from './seasonal-profile.ts'
import { SeriesIsolation } from './series-isolation.ts'
import { createSeriesPages, rowOf, rowView, type SeriesInHand, turnTo, viewsBehindRow } from './series-pages.ts'
import { channelNumber, field, warmUpSamples } from './series-row.ts'
import { restoreVersion1 } from './snapshot-version-1.ts'
import { viewsOfVersion2 } from './snapshot-version-2.ts'
import { clear, contributionNumber, createVerdict, largestScore, toShares, type Verdict } from './verdict.ts'

export interface SeriesDetectorOptions {
  /** Time constant of the level that is expected next. */
  readonly windowMs: number
  /** Share of its time, 0 to 0.5, that a series may spend inside of episodes. */
  readonly contamination: number
  /** Episodes a week that a series without fault may open; what notifies is much rarer. */
  readonly falseAlarmsPerWeek: number
  /** IANA name of the zone whose hours the seasons follow. */
  readonly timeZone: string
  readonly seed: number
}

/** Layout of a snapshot; a new one gets a new number, and the old ones go on loading. */
export const snapshotVersion = 3

/** Part of the name of scores: raised with every change after which the same samples get other scores, states or episodes. */
export const scoresVersion = 6

export class SeriesDetector {
  readonly verdict: Verdict = createVerdict()
  readonly #options: SeriesDetectorOptions
  /** Snapshot of a series that has seen nothing, once it was needed. */
  #nothing: Uint8Array | undefined
  readonly #quarterAt: (timestampMs: number) => number
  readonly #newsPerMs: number
  readonly #noveltyGain: number
  /** What stands still or resets must do so this much more: both have exponential tails, so by the logarithm of the wanted rate. */
  readonly #patience: number
  readonly #isolation: SeriesIsolation
  readonly #pages = createSeriesPages()
  readonly #sample: SampleInHand = createSampleInHand()

  constructor(options: SeriesDetectorOptions) {
    this.#options = options
    this.#quarterAt = localWeek(options.timeZone)
    this.#newsPerMs = (newsPerFalseAlarm * options.falseAlarmsPerWeek) / weekMs
    this.#noveltyGain = noveltyGain(options.falseAlarmsPerWeek)
    this.#patience = Math.max(1, 1 - Math.log10(options.falseAlarmsPerWeek))
    this.#isolation = new SeriesIsolation(options.seed)
  }

  /** The columns of a series' episode, to be read with `episodeFields`. */
  episode(slot: number): Float64Array {
    return rowOf(this.#open(slot)).subarray(field.episode, field.episode + episodeLength)
  }

  /**
   * Scores a sample of the series in `slot`, then learns it; the result is in `verdict`. False, and nothing changed, when the
   * sample is not newer than the last of its series: a repeat or out of order.
   */
  update(slot: number, input: SampleInput): boolean {
    const series = this.#open(slot)
    const { rows, at } = series
    const { timestampMs } = input
    if (rows[at + field.samples]! > 0 && timestampMs <= rows[at + field.lastMs]!) return false
    if (input.stale) {
      this.#end(series, timestampMs)
      rows[at + field.lastMs] = timestampMs
      return true
    }
    const sample = this.#take(series, input)
    this.#score(slot, series, sample, input.imputed)
    this.#observe(series, sample, input)
    if (!input.imputed) this.#learn(slot, series, sample)
    rows[at + field.lastMs] = timestampMs
    return true
  }

  /**
   * Tells that it is `nowMs` and the series in `slot` has brought nothing since its last sample, of which only the time from `sinceMs` on
   * counts. When that is longer than ever was usual, its episode opens; true when there is something to tell, in `verdict`.
   */
  tick(slot: number, nowMs: number, sinceMs = 0): boolean {
    const { rows, at } = this.#open(slot)
    const { verdict } = this
    verdict.transition = 'none'
    const score = silenceScore(rows, at, nowMs, sinceMs)
    if (score <= 1) return false
    clear(verdict)
    verdict.score = Math.min(score, largestScore)
    this.#expectLast(rows, at)
    verdict.contributions[contributionNumber.silence] = 1
    verdict.state = 'silent'
    verdict.stateDetail = rows[at + field.lastMs]!
    verdict.confidence = 1
    verdict.transition = observeEpisode(rows, at + field.episode, {
      kind: 'scored',
      timestampMs: nowMs,
      score: verdict.score,
      // A series that is silent for so long has been for several samples already.
      confirmed: silenceConfirms * verdict.score,
      caution: 1,
    })
    return verdict.transition !== 'none'
  }

  /** Whether `tick` would find the series silent. */
  isSilent(slot: number, nowMs: number, sinceMs: number): boolean {
    const { rows, at } = this.#open(slot)
    return silenceScore(rows, at, nowMs, sinceMs) > 1
  }

  /** Time of the last sample, 0 before the first. */
  lastSampleMs(slot: number): number {
    const { rows, at } = this.#open(slot)
    return rows[at + field.lastMs]!
  }

  /** Whole days that the series in `slot` is known for. */
  knownDays(slot: number): number {
    const { rows, at } = this.#open(slot)
    return rows[at + field.days]!
  }

  /** Forgets the series in `slot`: the one there has seen nothing, or nothing up to `lastMs`. */
  clear(slot: number, lastMs = 0): void {
    this.#nothing ??= new SeriesDetector(this.#options).snapshot(0)
    this.startFrom(slot, this.#nothing, lastMs)
  }

  /** Lets the series in `slot` go on from the snapshot of another, as if that had been itself until `lastMs`. Throws as `restore`. */
  startFrom(slot: number, snapshot: Uint8Array, lastMs: number): void {
    this.restore(slot, snapshot)
    const { rows, at } = this.#open(slot)
    rows[at + field.lastMs] = rows[at + field.flatSinceMs] = lastMs
  }

  /**
   * Takes the level of the episode that began at `startedAtMs` for normal at once, as half a window of it would. False, and nothing
   * changed, when that episode is not open.
   */
  adoptLevel(slot: number, startedAtMs: number): boolean {
    const { rows, at } = this.#open(slot)
    const isOpen = startedAtMs > 0 && rows[at + field.episode + episodeFields.startedAtMs] === startedAtMs
    if (!isOpen || rows[at + field.heldSinceMs] === 0) return false
    adoptHeldLevel(rows, at)
    return true
  }

  /** The state of a series: about 5 KB, its layout `snapshotVersion`. A restored series continues bit for bit. */
  snapshot(slot: number): Uint8Array {
    return joined([...this.#views(slot)])
  }

  /**
   * Takes a snapshot over into `slot`; `version` is the layout it was made with. Throws a RangeError when it does not fit that layout.
   */
  restore(slot: number, bytes: Uint8Array, version = snapshotVersion): void {
    const series = this.#open(slot)
    if (version === 1) restoreVersion1(bytes, { row: rowOf(series), novelty: series.novelty, place: series.place })
    else if (version === 2) takeAll(viewsOfVersion2(series, this.#isolation.views(slot)), bytes)
    else takeAll(this.#views(slot), bytes)
  }

  *#views(slot: number): Generator<Uint8Array> {
    const series = this.#open(slot)
    yield rowView(series)
    yield* this.#isolation.views(slot)
    yield* viewsBehindRow(series)
  }

  #open(slot: number): SeriesInHand {
    this.#isolation.reserve(slot)
    return turnTo(this.#pages, slot)
  }

  /** Without a sample there is no band, only the level that the last one left. */
  #expectLast(rows: Float64Array, at: number): void {
    const { verdict } = this
    verdict.expected = verdict.lower = verdict.upper = rows[at + field.localLevel]! + rows[at + field.lastSeason]!
    verdict.wasNegative = rows[at + field.wasNegative] === 1
  }

  #end({ rows, at }: SeriesInHand, timestampMs: number): void {
    const { verdict } = this
    clear(verdict)
    this.#expectLast(rows, at)
    verdict.state = 'silent'
    verdict.stateDetail = timestampMs
    verdict.transition = observeEpisode(rows, at + field.episode, {
      kind: 'ended',
      timestampMs,
      score: 0,
      confirmed: 0,
      caution: 1,
    })
  }

  /** The sample as the channels want it; a series begins with its first. */
  #take({ rows, at }: SeriesInHand, input: SampleInput): SampleInHand {
    const sample = this.#sample
    const { timestampMs } = input
    const isFirst = rows[at + field.samples] === 0
    const elapsedMs = isFirst ? 0 : timestampMs - rows[at + field.lastMs]!
    noteGap(rows, at, input, elapsedMs)
    const reading = bounded(input.value)
    sample.value = input.isCounter ? counterRate(rows, at, reading, elapsedMs) : reading
    sample.timestampMs = timestampMs
    sample.elapsedMs = elapsedMs
    sample.quarter = this.#quarterAt(timestampMs)
    sample.policy = input.policy ?? defaultPolicy
    if (isFirst) begin(rows, at, sample.value, timestampMs)
    if (sample.value < 0) rows[at + field.wasNegative] = 1
    return sample
  }

  #score(slot: number, series: SeriesInHand, sample: SampleInHand, imputed: boolean): void {
    const { rows, at } = series
    const { verdict } = this
    const { value, policy } = sample
    profileAt(series.profiles, series.place, sample.quarter)
    keepLevel(rows, at)
    const expected = season.value + rows[at + field.localLevel]!
    sample.expected = expected
    clear(verdict)
    follow(series, sample)
    followChange(series, sample)
    const confirmed = scoreChannels(series, sample, verdict, this.#patience)
    const missed = scoreMissedEvent(series, sample)
    const unusual = this.#isolate(slot, series, sample)
    const observed = imputed ? 0 : observeRow(series, sample) * this.#noveltyGain
    const novelty = matters(policy, value - expected, expected) ? observed : 0
    const isWarm = rows[at + field.samples]! >= warmUpSamples
    const inEpisode = rows[at + field.episode + episodeFields.startedAtMs]! > 0
    sample.confirmed = isWarm ? confirmed : 0
    const recorded = Math.max(novelty, missed)
    const told = recorded >= 1 || confirmed > 1 || inEpisode
    const score = !isWarm ? 0 : told ? Math.max(recorded, confirmed, unusual) : Math.min(1, Math.max(confirmed, unusual))
    verdict.score = Math.min(score, largestScore)
    verdict.expected = expected
    verdict.lower = expected - thresholdOf(rows, at, channelNumber.spikeDown, policy, expected)
    verdict.upper = expected + thresholdOf(rows, at, channelNumber.spikeUp, policy, expected)
    verdict.wasNegative = rows[at + field.wasNegative] === 1
    verdict.contributions[contributionNumber.novelty] = novelty
    verdict.contributions[contributionNumber.season] = Math.max(verdict.contributions[contributionNumber.season]!, missed)
    toShares(verdict)
  }

  /** Distance from what is expected in usual peaks, as far as the place is isolated. */
  #isolate(slot: number, { rows, at }: SeriesInHand, { value, expected, policy }: SampleInHand): number {
    const side = value > expected ? channelNumber.spikeUp : channelNumber.spikeDown
    const usualPeak = Math.max(peakOf(rows, at, side), leastDeviation(policy, expected, rows[at + field.days]!))
    const off = (value - expected) / usualPeak
    this.#isolation.locate(off, (value - rows[at + field.previous]!) / usualPeak)
    const isolation = this.#isolation.isolation(slot, rows, at)
    const unusual = Math.abs(off) * isolation
    this.verdict.contributions[contributionNumber.isolation] = Math.min(unusual, isolation)
    return unusual
  }

  #observe({ rows, at }: SeriesInHand, sample: SampleInHand, { imputed, live }: SampleInput): void {
    const { verdict } = this
    const { timestampMs, elapsedMs, confirmed } = sample
    const warm = Math.min(1, rows[at + field.samples]! / warmUpSamples)
    const gapShare = rows[at + field.gapShare]!
    verdict.confidence = warm < 1 ? 0 : (1 - gapShare) * (imputed ? imputedConfidence : 1)
    const kind = imputed || !live ? 'unobserved' : 'scored'
    // A series that is inside of episodes for longer than is allowed stays there only while what happens is news.
    const inEpisode = rows[at + field.episode + episodeFields.startedAtMs]! > 0
    const isTooLong = inEpisode && rows[at + field.episodeShare]! > this.#options.contamination && confirmed <= 1
    const score = isTooLong ? Math.min(verdict.score, unconfirmedScore) : verdict.score
    const caution = cautionAfter(rows[at + field.days]!, rows[at + field.blocks]!)
    verdict.transition = observeEpisode(rows, at + field.episode, { kind, timestampMs, score, confirmed, caution })
    sample.isAnomalous = rows[at + field.episode + episodeFields.startedAtMs]! > 0
    const weight = elapsedMs / (weekMs + elapsedMs)
    rows[at + field.episodeShare]! += weight * ((sample.isAnomalous ? 1 : 0) - rows[at + field.episodeShare]!)
    verdict.state = warm < 1 ? 'warming' : sample.isAnomalous ? 'anomalous' : gapShare > sparseShare ? 'sparse' : 'ok'
    verdict.stateDetail = verdict.state === 'warming' ? warm : verdict.state === 'sparse' ? gapShare : 0
  }

  #learn(slot: number, series: SeriesInHand, sample: SampleInHand): void {
    const { rows, at } = series
    const { windowMs } = this.#options
    const held = isHeld(series, sample, windowMs)
    if (!held) {
      learnLevel(series, sample, windowMs)
      this.#isolation.learn(slot, rows, at)
    }
    learnSlowLevel(series, sample)
    learnSeason(series, sample)
    rows[at + field.samples]!++
    rows[at + field.previous] = sample.value
    if (!held) countInBlock(series, sample, this.#newsPerMs)
  }
}

const weekMs = 604_800_000
/** News that a channel may tell for each episode that a series may open. */
const newsPerFalseAlarm = 0.05
const silenceConfirms = 1.5
const imputedConfidence = 0.5
const sparseShare = 0.3
const unconfirmedScore = 0.5
