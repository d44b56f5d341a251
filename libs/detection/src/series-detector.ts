/**
 * The online detector of many series: value in, score, expected band, state and episode out, one sample at a time.
 *
 * Two kinds of views of a sample. *Fading novelty* (`fading-novelty.ts`), fed with rows of five minutes, tells when the series does
 * something that it has not done before. *Channels* act on every sample: how far the value is from what season and recent level let
 * expect (spike), how far the mean of a quarter of an hour (level) and of some hours (trend) is, how large changes are (volatility);
 * what each must reach to be news is calibrated per series (`calibration.ts`). A line that stands still, silence, and a counter
 * that resets again and again are measured by what was usual. Half-space trees over level and change say how isolated a sample
 * is, and so how long an episode lasts.
 *
 * Either kind opens an episode; only what the channels confirm makes it worth a notification (`episode.ts`).
 *
 * Learning is protected: while a series is anomalous, level and season learn nothing, for a bounded time; a level that stays is
 * then taken for normal, once. Time constants are in real time, taken from the timestamps; nothing looks at a clock.
 *
 * In the first `warmUpSamples` of a series the score is 0; what needs a day or a week of the series says nothing before it had them.
 *
 * State is a row of numbers per series in pages; a sample allocates nothing.
 */
import {
  calibrationFields,
  endBlock,
  endDay,
  learnPeak,
  learnUsual,
  measure,
  rememberedDays,
  setThreshold,
} from './calibration.ts'
import {
  begin,
  counterRate,
  firstDayOf,
  flatScore,
  follow,
  isQuick,
  isUp,
  keepLevel,
  leastHalfWidth,
  measurementOf,
  noteGap,
  rowMs,
  silenceScore,
  usualChangeMs,
} from './channel-measurements.ts'
import { type EpisodeTransition, episodeFields, episodeLength, observeEpisode } from './episode.ts'
import { createNoveltyStates, type NoveltyStates, noveltyViews, observeNovelty } from './fading-novelty.ts'
import { growForest, locate, unitLimits } from './half-space-forest.ts'
import { createMasses, learn, type Masses, score as massScore, massViews, reserveMasses, warmth } from './half-space-trees.ts'
import { localWeek } from './local-time.ts'
import { memoryOf, takeInto } from './memory.ts'
import { noveltyGain } from './novelty-gain.ts'
import {
  createProfileStates,
  distanceFromDay,
  learnQuarter,
  observeChange,
  type ProfileStates,
  profileAt,
  profileViews,
  found as season,
} from './seasonal-profile.ts'
import { calibrationOf, channelNumber, channels, field, rowLength, warmUpSamples } from './series-row.ts'
import { restoreVersion1 } from './snapshot-version-1.ts'
import { createTablePool } from './table-pool.ts'

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

/** What counts as worth telling in the series of a query. */
export interface DetectionPolicy {
  readonly direction: 'both' | 'up' | 'down'
  /** What is smaller is never news, in the unit of the metric. */
  readonly minDeviation: number
  /** The same, as a share of the expected value; 0 leaves it at 5 %. */
  readonly minRelativeDeviation: number
}

export const defaultPolicy: DetectionPolicy = { direction: 'both', minDeviation: 0, minRelativeDeviation: 0 }

/** Names of the contributions to a score, in the order of `Verdict.contributions`. */
export const contributionNames = [
  'spike',
  'level',
  'season',
  'trend',
  'volatility',
  'flatline',
  'silence',
  'resets',
  'isolation',
  'novelty',
] as const
export type ContributionName = (typeof contributionNames)[number]
const contributionNumber = Object.fromEntries(contributionNames.map((name, i) => [name, i])) as Record<ContributionName, number>

/** What is said of one sample. One object is reused for all samples; copy what must last. */
export interface Verdict {
  /** At least 0; above 1 anomalous. */
  score: number
  /** In the unit of the metric. */
  expected: number
  lower: number
  upper: number
  /** 0 to 1. */
  confidence: number
  /** Shares of the score by `contributionNames`; they sum to 1, or are all 0 with a score of 0. */
  readonly contributions: Float64Array
  state: DetectorState
  /** The number that belongs to the state: share of the warm-up, share of gaps, or milliseconds since the epoch. */
  stateDetail: number
  transition: EpisodeTransition
}

export type DetectorState = 'warming' | 'ok' | 'anomalous' | 'sparse' | 'silent'

export interface SampleInput {
  timestampMs: number
  /** Finite; ignored when stale. */
  value: number
  imputed: boolean
  stale: boolean
  /** Nominal distance of samples, 0 when unknown. */
  stepMs: number
  /** History is learned from and never opens an episode. */
  live: boolean
  /** The value is the reading of a counter; its rate is what is watched. */
  isCounter?: boolean
  policy?: DetectionPolicy
}

/** Layout of a snapshot; a new one gets a new number, and the old ones go on loading. */
export const snapshotVersion = 2

/** The states of some neighbouring slots. Pages, because a slab that doubles is half empty, and twice there while it is copied. */
interface Page {
  readonly rows: Float64Array
  readonly novelty: NoveltyStates
  readonly profiles: ProfileStates
}

const pageShift = 4
const seriesPerPage = 2 ** pageShift

export class SeriesDetector {
  readonly verdict: Verdict = {
    score: 0,
    expected: 0,
    lower: 0,
    upper: 0,
    confidence: 0,
    contributions: new Float64Array(contributionNames.length),
    state: 'warming',
    stateDetail: 0,
    transition: 'none',
  }
  readonly #options: SeriesDetectorOptions
  readonly #quarterAt: (timestampMs: number) => number
  readonly #newsPerBlockMs: number
  readonly #noveltyGain: number
  /** What stands still or resets must do so this much more: both have exponential tails, so by the logarithm of the wanted rate. */
  readonly #patience: number
  readonly #masses: Masses
  readonly #tables = createTablePool()
  readonly #pages: Page[] = []
  /** The page of the series in hand, part by part, and the place of the series there. */
  #rows!: Float64Array
  #novelty!: NoveltyStates
  #profiles!: ProfileStates
  #place = 0
  readonly #point: Float64Array
  readonly #leaves: Uint16Array

  constructor(options: SeriesDetectorOptions) {
    const forest = growForest({ trees: 10, height: 6, limits: unitLimits(2), seed: options.seed })
    this.#options = options
    this.#quarterAt = localWeek(options.timeZone)
    this.#newsPerBlockMs = (newsPerFalseAlarm * options.falseAlarmsPerWeek) / weekMs
    this.#noveltyGain = noveltyGain(options.falseAlarmsPerWeek)
    this.#patience = Math.max(1, 1 - Math.log10(options.falseAlarmsPerWeek))
    this.#masses = createMasses(forest, treeWindowSamples)
    this.#point = new Float64Array(forest.limits.length)
    this.#leaves = new Uint16Array(forest.trees)
  }

  /** The columns of a series' episode, to be read with `episodeFields`. */
  episode(slot: number): Float64Array {
    return this.#row(slot).subarray(field.episode, field.episode + episodeLength)
  }

  /**
   * Scores a sample of the series in `slot`, then learns it; the result is in `verdict`. False, and nothing changed, when the
   * sample is not newer than the last of its series: a repeat or out of order.
   */
  update(slot: number, sample: SampleInput): boolean {
    this.#open(slot)
    const rows = this.#rows
    const at = this.#place * rowLength
    const { timestampMs } = sample
    if (rows[at + field.samples]! > 0 && timestampMs <= rows[at + field.lastMs]!) return false
    if (sample.stale) {
      this.#end(at, sample)
      rows[at + field.lastMs] = timestampMs
      return true
    }
    const elapsedMs = rows[at + field.samples] === 0 ? 0 : timestampMs - rows[at + field.lastMs]!
    noteGap(rows, at, sample, elapsedMs)
    const reading = bounded(sample.value)
    const value = sample.isCounter ? counterRate(rows, at, reading, elapsedMs) : reading
    if (rows[at + field.samples] === 0) begin(rows, at, value, timestampMs)
    this.#score(slot, at, value, sample, elapsedMs)
    this.#observe(at, sample, elapsedMs)
    if (!sample.imputed) this.#learn(slot, at, value, sample, elapsedMs)
    rows[at + field.lastMs] = timestampMs
    return true
  }

  /**
   * Tells that it is `nowMs` and the series in `slot` has brought nothing since its last sample, of which only the time from `sinceMs` on
   * counts. When that is longer than ever was usual, its episode opens; true when there is something to tell, in `verdict`.
   */
  tick(slot: number, nowMs: number, sinceMs = 0): boolean {
    this.#open(slot)
    const rows = this.#rows
    const at = this.#place * rowLength
    const { verdict } = this
    verdict.transition = 'none'
    const score = silenceScore(rows, at, nowMs, sinceMs)
    if (score <= 1) return false
    this.#clear()
    verdict.score = Math.min(score, largestScore)
    verdict.expected = verdict.lower = verdict.upper = rows[at + field.localLevel]! + rows[at + field.lastSeason]!
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
    })
    return verdict.transition !== 'none'
  }

  /** Whether `tick` would find the series silent. */
  isSilent(slot: number, nowMs: number, sinceMs: number): boolean {
    this.#open(slot)
    return silenceScore(this.#rows, this.#place * rowLength, nowMs, sinceMs) > 1
  }

  /** Time of the last sample, 0 before the first. */
  lastSampleMs(slot: number): number {
    return this.#row(slot)[field.lastMs]!
  }

  /** Lets the series in `slot` go on from the snapshot of another, as if that had been itself until `lastMs`. Throws as `restore`. */
  startFrom(slot: number, snapshot: Uint8Array, lastMs: number): void {
    this.restore(slot, snapshot)
    const row = this.#row(slot)
    row[field.lastMs] = row[field.flatSinceMs] = lastMs
  }

  /**
   * Takes the level of the episode that began at `startedAtMs` for normal at once, as half a window of it would. False, and nothing
   * changed, when that episode is not open.
   */
  adoptLevel(slot: number, startedAtMs: number): boolean {
    const row = this.#row(slot)
    const isOpen = startedAtMs > 0 && row[field.episode + episodeFields.startedAtMs] === startedAtMs
    if (!isOpen || row[field.heldSinceMs] === 0) return false
    row[field.localLevel]! += row[field.heldResidual]!
    row[field.heldResidual] = 0
    return true
  }

  /** The state of a series: about 5 KB, its layout `snapshotVersion`. A restored series continues bit for bit. */
  snapshot(slot: number): Uint8Array {
    const parts = [...this.#views(slot)]
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
    let at = 0
    for (const part of parts) {
      bytes.set(part, at)
      at += part.length
    }
    return bytes
  }

  /**
   * Takes a snapshot over into `slot`; `version` is the layout it was made with. Throws a RangeError when it does not fit that layout.
   */
  restore(slot: number, bytes: Uint8Array, version = snapshotVersion): void {
    if (version === 1) {
      const row = this.#row(slot)
      restoreVersion1(bytes, { row, novelty: this.#novelty, place: this.#place })
      return
    }
    let at = 0
    for (const part of this.#views(slot)) at = takeInto(part, bytes, at)
    if (at !== bytes.length) throw new RangeError(`snapshot of ${bytes.length} bytes, expected ${at}`)
  }

  *#views(slot: number): Generator<Uint8Array> {
    yield memoryOf(this.#row(slot))
    yield* massViews(this.#masses, slot)
    yield* profileViews(this.#profiles, this.#place)
    yield* noveltyViews(this.#novelty, this.#place)
  }

  #row(slot: number): Float64Array {
    this.#open(slot)
    const at = this.#place * rowLength
    return this.#rows.subarray(at, at + rowLength)
  }

  /** Turns to the page of a series; pages are made as they are needed. */
  #open(slot: number): void {
    reserveMasses(this.#masses, slot)
    while (this.#pages.length <= slot >> pageShift) this.#pages.push(this.#createPage())
    const page = this.#pages[slot >> pageShift]!
    this.#rows = page.rows
    this.#novelty = page.novelty
    this.#profiles = page.profiles
    this.#place = slot & (seriesPerPage - 1)
  }

  #createPage(): Page {
    return {
      rows: new Float64Array(seriesPerPage * rowLength),
      novelty: createNoveltyStates(seriesPerPage, this.#tables),
      profiles: createProfileStates(seriesPerPage),
    }
  }

  #clear(): void {
    this.verdict.score = 0
    this.verdict.confidence = 0
    this.verdict.contributions.fill(0)
  }

  #end(at: number, { timestampMs }: SampleInput): void {
    const { verdict } = this
    this.#clear()
    verdict.state = 'silent'
    verdict.stateDetail = timestampMs
    verdict.transition = observeEpisode(this.#rows, at + field.episode, { kind: 'ended', timestampMs, score: 0, confirmed: 0 })
  }

  /** What the channels say, above 1 news; left here for `#observe`. */
  #confirmed = 0
  #expected = 0
  #isAnomalous = false
  readonly #change = { size: 0, usual: 0, elapsedMs: 0 }
  readonly #experience = { blocks: 1, wantedRate: 1 }

  #score(slot: number, at: number, value: number, sample: SampleInput, elapsedMs: number): void {
    const rows = this.#rows
    const { verdict } = this
    const { timestampMs } = sample
    const policy = sample.policy ?? defaultPolicy
    const samples = rows[at + field.samples]!
    profileAt(this.#profiles, this.#place, this.#quarterAt(timestampMs))
    keepLevel(rows, at)
    const expected = season.value + rows[at + field.localLevel]!
    this.#expected = expected
    this.#clear()
    follow(rows, at, value, timestampMs, elapsedMs)
    this.#followChange(at, value, timestampMs, elapsedMs)
    const confirmed = this.#scoreChannels(at, value, policy, timestampMs)
    const usualPeak = Math.max(
      rows[at + calibrationOf(value > expected ? channelNumber.spikeUp : channelNumber.spikeDown) + calibrationFields.peak]!,
      floorOf(policy, expected, rows[at + field.days]!),
    )
    const off = (value - expected) / usualPeak
    this.#point[0] = squash(off)
    this.#point[1] = squash((value - rows[at + field.previous]!) / usualPeak)
    locate(this.#masses.forest, this.#point, this.#leaves)
    const isolation = this.#isolation(slot, at)
    const observed = sample.imputed ? 0 : this.#observeNovelty(at, value, sample, elapsedMs)
    const novelty = matters(policy, value - expected, expected) ? observed : 0
    const isWarm = samples >= warmUpSamples
    const unusual = Math.abs(off) * isolation
    const inEpisode = rows[at + field.episode + episodeFields.startedAtMs]! > 0
    this.#confirmed = isWarm ? confirmed : 0
    const told = novelty >= 1 || confirmed > 1 || inEpisode
    const score = !isWarm ? 0 : told ? Math.max(novelty, confirmed, unusual) : Math.min(1, Math.max(confirmed, unusual))
    verdict.score = Math.min(score, largestScore)
    verdict.expected = expected
    verdict.lower = expected - this.#threshold(at, channelNumber.spikeDown, policy, expected)
    verdict.upper = expected + this.#threshold(at, channelNumber.spikeUp, policy, expected)
    verdict.contributions[contributionNumber.novelty] = novelty
    verdict.contributions[contributionNumber.isolation] = Math.min(unusual, isolation)
    share(verdict.contributions, verdict.score > 0)
  }

  /** How much the series moves, beside what is usual at this hour. */
  #followChange(at: number, value: number, timestampMs: number, elapsedMs: number): void {
    const rows = this.#rows
    const samples = rows[at + field.samples]!
    const change = this.#change
    const size = Math.abs(value - rows[at + field.previous]!)
    const weight = (spanMs: number) => Math.max(1 / (samples + 1), elapsedMs / (spanMs + elapsedMs))
    change.usual = rows[at + field.usualChange]!
    const usual = Math.max(change.usual, rows[at + field.hourChange]!)
    change.size = samples > 10 && usual > 0 ? Math.min(size, largestChange * usual) : size
    change.elapsedMs = elapsedMs
    rows[at + field.quickChange]! += weight(quickChangeMs) * (change.size - rows[at + field.quickChange]!)
    rows[at + field.usualChange]! += weight(usualChangeMs) * (change.size - rows[at + field.usualChange]!)
    rows[at + field.hourChange] = observeChange(this.#profiles, this.#place, this.#quarterAt(timestampMs), change)
  }

  #threshold(at: number, channel: number, policy: DetectionPolicy, expected: number): number {
    const rows = this.#rows
    const calibration = at + calibrationOf(channel)
    const floor = channel === channelNumber.volatility ? leastVolatility : floorOf(policy, expected, rows[at + field.days]!)
    const threshold =
      rows[at + field.blocks] === 0
        ? rows[calibration + calibrationFields.blockMax]! * unknownPeak
        : rows[calibration + calibrationFields.threshold]!
    return Math.max(floor, threshold)
  }

  /** Measures the sample in every channel and returns the largest score; above 1 is news. Contributions are noted. */
  #scoreChannels(at: number, value: number, policy: DetectionPolicy, timestampMs: number): number {
    const rows = this.#rows
    const { contributions } = this.verdict
    const days = rows[at + field.days]!
    let largest = 0
    for (let channel = 0; channel < channels.length; channel++) {
      const measurement = measurementOf(rows, at, channel, value - this.#expected)
      if (measurement <= 0) continue
      const threshold = this.#threshold(at, channel, policy, this.#expected)
      const wanted =
        policy.direction === 'both' || channel === channelNumber.volatility || isUp(channel) === (policy.direction === 'up')
      const known = isQuick(channel) || days >= firstDayOf(channel) + 2
      if (days >= firstDayOf(channel))
        measure(rows, at + calibrationOf(channel), Math.min(measurement, largestLearned * threshold))
      if (!wanted || !known) continue
      const score = measurement / threshold
      this.#contribute(channel, score, measurement)
      largest = Math.max(largest, score)
    }
    const flat = flatScore(rows, at, timestampMs) / this.#patience
    contributions[contributionNumber.flatline] = flat
    const resets = rows[at + field.resets]! / Math.max(leastResets, resetMargin * rows[at + field.usualResets]!) / this.#patience
    contributions[contributionNumber.resets] = resets
    return Math.max(largest, flat, resets)
  }

  /** Notes why: the channel, and for news the season as far as there would be none at another hour. */
  #contribute(channel: number, score: number, measurement: number): void {
    const { contributions } = this.verdict
    const reason = contributionOf[channel]!
    const isSeasonKnown = season.isKnown && channel !== channelNumber.volatility
    const ofSeason = score > 1 && isSeasonKnown ? this.#seasonalShare(isUp(channel) ? measurement : -measurement) : 0
    // Contributions are squared when they become shares.
    contributions[reason] = Math.max(contributions[reason]!, score * Math.sqrt(1 - ofSeason))
    const seasonReason = contributionNumber.season
    contributions[seasonReason] = Math.max(contributions[seasonReason]!, score * Math.sqrt(ofSeason))
  }

  /** Share, 0 to 1, of a deviation that there would not be at the best fitting hour of the day. */
  #seasonalShare(off: number): number {
    return Math.max(0, 1 - distanceFromDay(this.#profiles, this.#place, season.value + off) / Math.abs(off))
  }

  /** Novelty gets rows of five minutes, or samples where they are further apart. 0 within a row. */
  #observeNovelty(at: number, value: number, { timestampMs }: SampleInput, elapsedMs: number): number {
    const rows = this.#rows
    rows[at + field.rowSum]! += value
    const count = ++rows[at + field.rowCount]!
    if (timestampMs - rows[at + field.rowStartMs]! < rowMs - elapsedMs / 2) return 0
    const mean = rows[at + field.rowSum]! / count
    rows[at + field.rowStartMs] = timestampMs
    rows[at + field.rowSum] = rows[at + field.rowCount] = 0
    return observeNovelty(this.#novelty, this.#place, mean) * this.#noveltyGain
  }

  /** 0 where the trees know the place as well as they usually do, 1 where it is as rare as one sample in a hundred. */
  #isolation(slot: number, at: number): number {
    const rows = this.#rows
    const usual = rows[at + field.usualIsolation]!
    const rare = Math.max(rows[at + field.rareIsolation]!, usual + leastIsolationGap)
    const here = massScore(this.#masses, slot, this.#leaves)
    return Math.min(1, Math.max(0, (here - usual) / (rare - usual)))
  }

  #observe(at: number, sample: SampleInput, elapsedMs: number): void {
    const { verdict } = this
    const rows = this.#rows
    const warm = Math.min(1, rows[at + field.samples]! / warmUpSamples)
    const gapShare = rows[at + field.gapShare]!
    verdict.confidence = warm < 1 ? 0 : (1 - gapShare) * (sample.imputed ? imputedConfidence : 1)
    const kind = sample.imputed || !sample.live ? 'unobserved' : 'scored'
    // A series that is inside of episodes for longer than is allowed stays there only while what happens is news.
    const inEpisode = rows[at + field.episode + episodeFields.startedAtMs]! > 0
    const isTooLong = inEpisode && rows[at + field.episodeShare]! > this.#options.contamination && this.#confirmed <= 1
    const score = isTooLong ? Math.min(verdict.score, unconfirmedScore) : verdict.score
    const observation = { kind, timestampMs: sample.timestampMs, score, confirmed: this.#confirmed } as const
    verdict.transition = observeEpisode(rows, at + field.episode, observation)
    this.#isAnomalous = rows[at + field.episode + episodeFields.startedAtMs]! > 0
    const weight = elapsedMs / (weekMs + elapsedMs)
    rows[at + field.episodeShare]! += weight * ((this.#isAnomalous ? 1 : 0) - rows[at + field.episodeShare]!)
    verdict.state = warm < 1 ? 'warming' : this.#isAnomalous ? 'anomalous' : gapShare > sparseShare ? 'sparse' : 'ok'
    verdict.stateDetail = verdict.state === 'warming' ? warm : verdict.state === 'sparse' ? gapShare : 0
  }

  #learn(slot: number, at: number, value: number, { timestampMs, policy = defaultPolicy }: SampleInput, elapsedMs: number): void {
    const rows = this.#rows
    const samples = rows[at + field.samples]!
    const { windowMs } = this.#options
    const isHeld = this.#isHeld(at, value, timestampMs)
    if (!isHeld) {
      const weight = Math.max(1 / (samples + 1), Math.min(elapsedMs / (windowMs + elapsedMs), 1 / leastWindowSamples))
      rows[at + field.localLevel]! += weight * (value - this.#expected)
      this.#learnIsolation(slot, at)
    }
    this.#learnSlowLevel(at, timestampMs, elapsedMs)
    this.#learnSeason(at, value, timestampMs, policy)
    rows[at + field.samples] = samples + 1
    rows[at + field.previous] = value
    if (isHeld) return
    if (++rows[at + field.blockSamples]! >= leastBlockSamples && timestampMs - rows[at + field.blockStartMs]! >= leastBlockMs) {
      this.#endBlocks(at, timestampMs, policy)
    }
  }

  /** Whether this sample must not be learned; after half a window of that, what is there is the new normal, and taken over at once. */
  #isHeld(at: number, value: number, timestampMs: number): boolean {
    const rows = this.#rows
    if (!this.#isAnomalous) {
      rows[at + field.heldSinceMs] = 0
      return false
    }
    const off = value - this.#expected
    if (rows[at + field.heldSinceMs] === 0) {
      rows[at + field.heldSinceMs] = timestampMs
      rows[at + field.heldResidual] = off
    }
    rows[at + field.heldResidual]! += heldWeight * (off - rows[at + field.heldResidual]!)
    const longestMs = Math.max(this.#options.windowMs * longestHoldWindows, leastHeldSamples * rows[at + field.intervalMs]!)
    if (timestampMs - rows[at + field.heldSinceMs]! < longestMs) return true
    rows[at + field.localLevel]! += rows[at + field.heldResidual]!
    rows[at + field.heldResidual] = 0
    return false
  }

  /** The slow level follows in days; a level that has been another one for hours is taken over at once. */
  #learnSlowLevel(at: number, timestampMs: number, elapsedMs: number): void {
    const rows = this.#rows
    if (!season.isKnown) return
    const residual = rows[at + field.quickResidual]!
    const isShifted = this.#confirmed > 1 && this.#isAnomalous
    if (!isShifted) {
      rows[at + field.shiftedSinceMs] = 0
      rows[at + field.slowLevel]! += (elapsedMs / (slowLevelMs + elapsedMs)) * residual
      return
    }
    if (rows[at + field.shiftedSinceMs] === 0) rows[at + field.shiftedSinceMs] = timestampMs
    if (timestampMs - rows[at + field.shiftedSinceMs]! < longestShiftMs) return
    rows[at + field.slowLevel] = rows[at + field.localLevel]!
    rows[at + field.quickResidual] = rows[at + field.slowResidual] = 0
    rows[at + field.shiftedSinceMs] = 0
  }

  /** Quarters of an hour are averaged; what is anomalous counts as expected. */
  #learnSeason(at: number, value: number, timestampMs: number, policy: DetectionPolicy): void {
    const rows = this.#rows
    const quarter = Math.floor(this.#quarterAt(timestampMs))
    if (quarter !== rows[at + field.quarter] && rows[at + field.quarterCount]! > 0) {
      const mean = rows[at + field.quarterSum]! / rows[at + field.quarterCount]!
      learnQuarter(
        this.#profiles,
        this.#place,
        rows[at + field.quarter]!,
        mean - rows[at + field.slowLevel]!,
        rows[at + field.days]!,
      )
      rows[at + field.quarterSum] = rows[at + field.quarterCount] = 0
    }
    if (this.#confirmed > 1 && season.isKnown) return
    rows[at + field.quarter] = quarter
    const threshold = this.#threshold(at, value > this.#expected ? 0 : 1, policy, this.#expected)
    rows[at + field.quarterSum]! += Math.min(this.#expected + threshold, Math.max(this.#expected - threshold, value))
    rows[at + field.quarterCount]!++
  }

  #learnIsolation(slot: number, at: number): void {
    const rows = this.#rows
    if (warmth(this.#masses, slot) === 1) {
      const here = massScore(this.#masses, slot, this.#leaves)
      rows[at + field.usualIsolation]! += usualIsolationWeight * (here - rows[at + field.usualIsolation]!)
      const rare = rows[at + field.rareIsolation]!
      rows[at + field.rareIsolation] = rare + rareIsolationStep * ((here > rare ? 1 : 0) - rareShare)
    }
    learn(this.#masses, slot, this.#leaves)
  }

  #endBlocks(at: number, timestampMs: number, policy: DetectionPolicy): void {
    const rows = this.#rows
    const elapsedMs = timestampMs - rows[at + field.blockStartMs]!
    const days = rows[at + field.days]!
    const blocks = rows[at + field.blocks]!
    const fade = 0.5 ** (elapsedMs / peakHalfLifeMs)
    const isDayOver = timestampMs - rows[at + field.dayStartMs]! >= dayMs
    for (let channel = 0; channel < channels.length; channel++) {
      const calibration = at + calibrationOf(channel)
      const largest = endBlock(
        rows,
        calibration,
        channel === channelNumber.volatility ? 1 : floorOf(policy, this.#expected, days) / 4,
      )
      const known = days - firstDayOf(channel)
      if (known < 0) continue
      if (days === 0) {
        // So young a series would take one event for its habit: news is not learned as usual, and only in part as the peak.
        const threshold = rows[calibration + calibrationFields.threshold]!
        const isNews = blocks > 1 && largest > threshold
        if (!isNews) learnUsual(rows, calibration, largest, blocks)
        learnPeak(rows, calibration, isNews ? threshold : largest, fade, blocks)
      } else if (isQuick(channel)) learnPeak(rows, calibration, largest, fade, blocks)
      if (!isDayOver) continue
      const ofDay = endDay(rows, calibration)
      learnUsual(rows, calibration, ofDay, known)
      if (!isQuick(channel)) learnPeak(rows, calibration, ofDay, 0.5 ** (dayMs / peakHalfLifeMs), known)
    }
    rows[at + field.usualFlatMs]! *= fade
    rows[at + field.usualGapMs]! *= fade
    rows[at + field.usualResets] = Math.max(rows[at + field.usualResets]! * fade, rows[at + field.resets]!)
    rows[at + field.blocks] = blocks + 1
    rows[at + field.blockStartMs] = timestampMs
    rows[at + field.blockSamples] = 0
    if (isDayOver) {
      rows[at + field.days] = days + 1
      rows[at + field.dayStartMs] = timestampMs
    }
    this.#setThresholds(at)
  }

  #setThresholds(at: number): void {
    const rows = this.#rows
    const days = rows[at + field.days]!
    const experience = this.#experience
    const blockMs = days > 0 ? dayMs : Math.max(leastBlockMs, leastBlockSamples * rows[at + field.intervalMs]!)
    experience.wantedRate = this.#newsPerBlockMs * blockMs
    for (let channel = 0; channel < channels.length; channel++) {
      const known = days > 0 ? days - firstDayOf(channel) : rows[at + field.blocks]!
      if (known <= 0) continue
      experience.blocks = days > 0 ? Math.min(known, rememberedDays) : known
      setThreshold(rows, at + calibrationOf(channel), experience, margins[channel]!)
    }
  }
}

/** Small on purpose: a recent reference, and little memory. */
const treeWindowSamples = 128
const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const weekMs = 7 * dayMs
const leastBlockMs = 15 * minuteMs
const leastBlockSamples = 12
const peakHalfLifeMs = 4 * weekMs
/** News that a channel may tell for each episode that a series may open. */
const newsPerFalseAlarm = 0.05
/** Before the first block has ended: this much of its largest so far. */
const unknownPeak = 8
/** What moves slowly stays above its threshold once it is there, so it must go further. */
const margins = [1, 1, 1.1, 1.1, 1.1, 1.1, 1.2]
/** A measurement counts for at most this many thresholds when it is learned. */
const largestLearned = 2
const largestScore = 100
const slowLevelMs = 2 * dayMs
const longestShiftMs = 4 * hourMs
const quickChangeMs = 30 * minuteMs
/** A jump counts for at most this many usual changes: a few jumps are not a volatile series. */
const largestChange = 4
const leastVolatility = 1.6
const leastResets = 2.5
const resetMargin = 1.5
const silenceConfirms = 1.5
const leastIsolationGap = 0.02
const usualIsolationWeight = 0.01
const rareIsolationStep = 0.01
const rareShare = 0.01
const imputedConfidence = 0.5
const sparseShare = 0.3
const unconfirmedScore = 0.5
const longestHoldWindows = 0.5
const leastHeldSamples = 30
const heldWeight = 0.1
/** However far the samples are apart, this many are needed to call a level normal. */
const leastWindowSamples = 20
/** In its first day nobody knows yet what a series that has stood still will do. */
const firstDayRelativeDeviation = 0.5
const leastRelativeDeviation = 0.05
/** Larger values are taken for this one, so that no sum or square overflows. */
const largestValue = 1e150

const contributionOf = channels.map((channel) => {
  if (channel === 'volatility') return contributionNumber.volatility
  return channel.startsWith('spike')
    ? contributionNumber.spike
    : channel.startsWith('level')
      ? contributionNumber.level
      : contributionNumber.trend
})

function bounded(value: number): number {
  return Math.min(largestValue, Math.max(-largestValue, value))
}

/** Whether the query wants to hear of this distance at all. */
function matters({ direction, minDeviation, minRelativeDeviation }: DetectionPolicy, off: number, expected: number): boolean {
  if (direction !== 'both' && off > 0 !== (direction === 'up')) return false
  return Math.abs(off) >= Math.max(minDeviation, minRelativeDeviation * Math.abs(expected))
}

function floorOf({ minDeviation, minRelativeDeviation }: DetectionPolicy, expected: number, days: number): number {
  const wanted = minRelativeDeviation > 0 ? minRelativeDeviation : leastRelativeDeviation
  const relative = days > 0 ? wanted : Math.max(wanted, firstDayRelativeDeviation)
  return Math.max(minDeviation, relative * Math.abs(expected), leastHalfWidth)
}

/** Contributions to shares of 1; squared, so that the ranking is clear. */
function share(contributions: Float64Array, isScored: boolean): void {
  let sum = 0
  for (let i = 0; i < contributions.length; i++) {
    contributions[i] = Math.min(contributions[i]!, largestScore) ** 2
    sum += contributions[i]!
  }
  for (let i = 0; i < contributions.length; i++) contributions[i] = isScored && sum > 0 ? contributions[i]! / sum : 0
}

/** The real line onto (0, 1): half the interval for what is up to the usual peak to each side. */
function squash(peaks: number): number {
  return 0.5 + (0.5 * peaks) / (Math.abs(peaks) + 1)
}
