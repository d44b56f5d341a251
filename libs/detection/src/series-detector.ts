/**
 * The online detector of many series: value in, score, expected band, state and episode out, one sample at a time.
 *
 * Three views of a sample. Fading novelty (`fading-novelty.ts`) tells when the series does something it has not done before, once;
 * that opens an episode. The expected band (exponentially weighted mean and mean absolute deviation, widened to the peaks that
 * are usual for the series) and half-space trees over level and change tell how far off, and how isolated, each sample is;
 * together they say how long the episode lasts. Above 1 the score is the larger of the two; without an episode the second
 * alone never exceeds 1.
 *
 * Learning is protected: while a series is anomalous nothing is learned, for at most half a window; then the new level is taken
 * for normal, quickly. Time constants are in real time, taken from the timestamps; nothing looks at a clock.
 *
 * Blind to ordinary values at an unusual hour, a change of rhythm, a flat line. In the first `warmUpSamples` of a series the
 * score is 0.
 *
 * State is a row of numbers per series in shared slabs; a sample allocates nothing.
 */
import { type EpisodeTransition, episodeFields, observeEpisode } from './episode.ts'
import { createNoveltyStates, type NoveltyStates, noveltyViews, noveltyWarmUpRows, observeNovelty } from './fading-novelty.ts'
import { growForest, locate, unitLimits } from './half-space-forest.ts'
import { createMasses, learn, type Masses, score as massScore, massViews, reserveMasses, warmth } from './half-space-trees.ts'
import { memoryOf, takeInto } from './memory.ts'
import { restoreVersion1 } from './snapshot-version-1.ts'
import { createTablePool } from './table-pool.ts'

export interface SeriesDetectorOptions {
  /** Time constant of the expected band. */
  readonly windowMs: number
  /** Share of samples, 0 to 0.5, that may count as isolated. */
  readonly contamination: number
  readonly seed: number
}

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
  /** Shares of the score; they sum to 1, or are all 0 with a score of 0. */
  levelShare: number
  changeShare: number
  isolationShare: number
  noveltyShare: number
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
}

export const warmUpSamples = noveltyWarmUpRows

/** Layout of a snapshot; a new one gets a new number, and the old ones go on loading. */
export const snapshotVersion = 2

/** The states of some neighbouring slots. Pages, because a slab that doubles is half empty, and twice there while it is copied. */
interface Page {
  readonly rows: Float64Array
  readonly novelty: NoveltyStates
}

const pageShift = 6
const seriesPerPage = 2 ** pageShift

export class SeriesDetector {
  readonly verdict: Verdict = {
    score: 0,
    expected: 0,
    lower: 0,
    upper: 0,
    confidence: 0,
    levelShare: 0,
    changeShare: 0,
    isolationShare: 0,
    noveltyShare: 0,
    state: 'warming',
    stateDetail: 0,
    transition: 'none',
  }
  readonly #options: SeriesDetectorOptions
  readonly #masses: Masses
  readonly #tables = createTablePool()
  readonly #pages: Page[] = []
  /** The page of the series in hand, part by part. */
  #rows!: Float64Array
  #novelty!: NoveltyStates
  readonly #point: Float64Array
  readonly #leaves: Uint16Array

  constructor(options: SeriesDetectorOptions) {
    const forest = growForest({ trees: 10, height: 6, limits: unitLimits(2), seed: options.seed })
    this.#options = options
    this.#masses = createMasses(forest, treeWindowSamples)
    this.#point = new Float64Array(forest.limits.length)
    this.#leaves = new Uint16Array(forest.trees)
  }

  /** The row of a series, to be read with `episodeFields`. */
  row(slot: number): Float64Array {
    const place = this.#open(slot)
    return this.#rows.subarray(place * rowLength, (place + 1) * rowLength)
  }

  /**
   * Scores a sample of the series in `slot`, then learns it; the result is in `verdict`. False, and nothing changed, when the
   * sample is not newer than the last of its series: a repeat or out of order.
   */
  update(slot: number, sample: SampleInput): boolean {
    const place = this.#open(slot)
    const rows = this.#rows
    const at = place * rowLength
    if (rows[at + field.samples]! > 0 && sample.timestampMs <= rows[at + field.lastMs]!) return false
    if (sample.stale) this.#end(at, sample)
    else {
      this.#noteGap(at, sample)
      this.#score(slot, at, sample)
      this.#observe(at, sample)
      this.#learn(slot, at, sample)
    }
    rows[at + field.lastMs] = sample.timestampMs
    return true
  }

  /** Time of the last sample, 0 before the first. */
  lastSampleMs(slot: number): number {
    const at = this.#open(slot) * rowLength
    return this.#rows[at + field.lastMs]!
  }

  /** Lets the series in `slot` go on from the snapshot of another, as if that had been itself until `lastMs`. Throws as `restore`. */
  startFrom(slot: number, snapshot: Uint8Array, lastMs: number): void {
    this.restore(slot, snapshot)
    this.#rows[this.#open(slot) * rowLength + field.lastMs] = lastMs
  }

  /**
   * Takes the level of the episode that began at `startedAtMs` for normal at once, as half a window of it would. False, and nothing
   * changed, when that episode is not open.
   */
  adoptLevel(slot: number, startedAtMs: number): boolean {
    const at = this.#open(slot) * rowLength
    const rows = this.#rows
    if (startedAtMs <= 0 || rows[at + episodeFields.startedAtMs] !== startedAtMs || rows[at + field.heldSamples] === 0)
      return false
    adoptHeld(rows, at)
    return true
  }

  /** The state of a series: about 4 KB, its layout `snapshotVersion`. A restored series continues bit for bit. */
  snapshot(slot: number): Uint8Array {
    const parts = [Uint8Array.of(snapshotVersion), ...this.#views(slot)]
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
    let at = 0
    for (const part of parts) {
      bytes.set(part, at)
      at += part.length
    }
    return bytes
  }

  /** Takes a snapshot of this or an earlier layout over into `slot`. Throws a RangeError when it does not fit its layout. */
  restore(slot: number, bytes: Uint8Array): void {
    const place = this.#open(slot)
    if (bytes[0] !== snapshotVersion) {
      restoreVersion1(bytes, { row: this.row(slot), novelty: this.#novelty, place })
      return
    }
    let at = 1
    for (const part of this.#views(slot)) at = takeInto(part, bytes, at)
    if (at !== bytes.length) throw new RangeError(`snapshot of ${bytes.length} bytes, expected ${at}`)
  }

  *#views(slot: number): Generator<Uint8Array> {
    const place = this.#open(slot)
    yield memoryOf(this.row(slot))
    yield* massViews(this.#masses, slot)
    yield* noveltyViews(this.#novelty, place)
  }

  /** Turns to the page of a series and returns its place there; pages are made as they are needed. */
  #open(slot: number): number {
    reserveMasses(this.#masses, slot)
    while (this.#pages.length <= slot >> pageShift) this.#pages.push(this.#createPage())
    const page = this.#pages[slot >> pageShift]!
    this.#rows = page.rows
    this.#novelty = page.novelty
    return slot & (seriesPerPage - 1)
  }

  #createPage(): Page {
    return {
      rows: new Float64Array(seriesPerPage * rowLength),
      novelty: createNoveltyStates(seriesPerPage, this.#tables),
    }
  }

  #end(at: number, sample: SampleInput): void {
    const { verdict } = this
    verdict.score = 0
    verdict.confidence = 0
    verdict.levelShare = verdict.changeShare = verdict.isolationShare = verdict.noveltyShare = 0
    verdict.state = 'silent'
    verdict.stateDetail = sample.timestampMs
    verdict.transition = observeEpisode(this.#rows, at, { kind: 'ended', timestampMs: sample.timestampMs, score: 0 })
  }

  #noteGap(at: number, { timestampMs, stepMs, imputed }: SampleInput): void {
    const rows = this.#rows
    if (rows[at + field.samples] === 0) return
    const missing = stepMs > 0 ? Math.max(0, Math.round((timestampMs - rows[at + field.lastMs]!) / stepMs) - 1) : 0
    const share = missing > 0 ? 1 : imputed ? 1 : 0
    const weight = Math.min(1, gapWeight * Math.max(1, missing))
    rows[at + field.gapShare]! += weight * (share - rows[at + field.gapShare]!)
  }

  #score(slot: number, at: number, sample: SampleInput): void {
    const value = bounded(sample.value)
    const rows = this.#rows
    const { verdict } = this
    const samples = rows[at + field.samples]!
    const mean = samples === 0 ? value : rows[at + field.mean]!
    const halfWidth = halfWidthOf(rows, at, mean)
    const off = Math.abs(value - mean) / halfWidth
    const change = samples === 0 ? 0 : Math.abs(value - rows[at + field.previous]!) / halfWidth
    this.#point[0] = squash((value - mean) / (halfWidth / leastHalfWidthDeviations))
    this.#point[1] = samples === 0 ? 0.5 : squash((value - rows[at + field.previous]!) / (halfWidth / leastHalfWidthDeviations))
    locate(this.#masses.forest, this.#point, this.#leaves)
    const isolation = this.#isolation(slot, at)
    const novelty = sample.imputed ? 0 : observeNovelty(this.#novelty, slot & (seriesPerPage - 1), value)
    const unusual = off * isolation
    const told = novelty >= 1 || rows[at + episodeFields.startedAtMs]! > 0
    verdict.score = samples < warmUpSamples ? 0 : told ? Math.max(novelty, unusual) : Math.min(1, unusual)
    verdict.expected = mean
    verdict.lower = mean - halfWidth
    verdict.upper = mean + halfWidth
    const parts = verdict.score > 0 ? off + change + isolation + novelty : 0
    verdict.levelShare = parts > 0 ? off / parts : 0
    verdict.changeShare = parts > 0 ? change / parts : 0
    verdict.isolationShare = parts > 0 ? isolation / parts : 0
    verdict.noveltyShare = parts > 0 ? novelty / parts : 0
  }

  /** 0 where the trees know the place as well as they usually do, 1 where it is as rare as `contamination` allows. */
  #isolation(slot: number, at: number): number {
    const rows = this.#rows
    const usual = rows[at + field.usualIsolation]!
    const rare = Math.max(rows[at + field.rareIsolation]!, usual + leastIsolationGap)
    const here = massScore(this.#masses, slot, this.#leaves)
    return Math.min(1, Math.max(0, (here - usual) / (rare - usual)))
  }

  #observe(at: number, sample: SampleInput): void {
    const { verdict } = this
    const rows = this.#rows
    const warm = Math.min(1, rows[at + field.samples]! / warmUpSamples)
    const gapShare = rows[at + field.gapShare]!
    verdict.confidence = warm < 1 ? 0 : (1 - gapShare) * (sample.imputed ? imputedConfidence : 1)
    const kind = sample.imputed || !sample.live ? 'unobserved' : 'scored'
    verdict.transition = observeEpisode(rows, at, { kind, timestampMs: sample.timestampMs, score: verdict.score })
    verdict.state =
      warm < 1 ? 'warming' : rows[at + episodeFields.startedAtMs]! > 0 ? 'anomalous' : gapShare > sparseShare ? 'sparse' : 'ok'
    verdict.stateDetail = verdict.state === 'warming' ? warm : verdict.state === 'sparse' ? gapShare : 0
  }

  #learn(slot: number, at: number, sample: SampleInput): void {
    const rows = this.#rows
    const samples = rows[at + field.samples]!
    const elapsedMs = samples === 0 ? 0 : sample.timestampMs - rows[at + field.lastMs]!
    if (sample.imputed) return
    const value = bounded(sample.value)
    if (this.#holdsBack(at, sample)) holdBack(rows, at, value)
    else {
      if (rows[at + field.heldSamples]! > 0) adoptHeld(rows, at)
      const weight = Math.min(elapsedMs / (this.#options.windowMs + elapsedMs), 1 / leastWindowSamples)
      learnBand(rows, at, value, Math.max(1 / (samples + 1), weight))
      this.#learnIsolation(slot, at)
      rows[at + field.samples] = samples + 1
    }
    rows[at + field.previous] = value
  }

  /** Whether this sample must not be learned; after half a window of that, what was held back is the new normal. */
  #holdsBack(at: number, { timestampMs }: SampleInput): boolean {
    const rows = this.#rows
    const normal = rows[at + episodeFields.startedAtMs] === 0
    if (normal) {
      rows[at + field.heldSinceMs] = 0
      rows[at + field.heldSamples] = 0
      return false
    }
    if (rows[at + field.heldSinceMs] === 0) rows[at + field.heldSinceMs] = timestampMs
    const heldMs = timestampMs - rows[at + field.heldSinceMs]!
    if (heldMs < this.#options.windowMs * longestHoldWindows || rows[at + field.heldSamples]! < leastHeldSamples) return true
    rows[at + field.heldSinceMs] = 0
    return false
  }

  #learnIsolation(slot: number, at: number): void {
    const rows = this.#rows
    if (warmth(this.#masses, slot) === 1) {
      const here = massScore(this.#masses, slot, this.#leaves)
      rows[at + field.usualIsolation]! += usualIsolationWeight * (here - rows[at + field.usualIsolation]!)
      const rare = rows[at + field.rareIsolation]!
      rows[at + field.rareIsolation] = rare + rareIsolationStep * ((here > rare ? 1 : 0) - this.#options.contamination)
    }
    learn(this.#masses, slot, this.#leaves)
  }
}

/** Small on purpose: a recent reference, and little memory. */
const treeWindowSamples = 128

/** Columns of a series' row; those of its episode follow. */
const field = {
  samples: 0,
  lastMs: 1,
  previous: 2,
  mean: 3,
  /** Exponentially weighted mean of |value - mean|. */
  deviation: 4,
  /** Usual largest |value - mean| / deviation of a block. */
  usualPeak: 5,
  blockPeak: 6,
  usualIsolation: 7,
  rareIsolation: 8,
  gapShare: 9,
  /** When learning was first held back, 0 while it is not. */
  heldSinceMs: 10,
  /** Level and deviation of what is held back, taken over when it turns out to be the new normal. */
  heldSamples: 17,
  heldMean: 18,
  heldDeviation: 19,
} as const
const rowLength = 20

/** Half the band is at least this many mean absolute deviations: four standard deviations of a normal distribution. */
const leastHalfWidthDeviations = 5
/** Half the band is at least this much wider than the usual peak of a block. */
const peakMargin = 1.25
const blockSamples = 50
const peakWeight = 0.1
/** Half the band is at least this share of the mean: what is smaller is no news to a person. */
const leastRelativeHalfWidth = 0.02
const leastHalfWidth = 1e-9
const leastIsolationGap = 0.02
const usualIsolationWeight = 0.01
const rareIsolationStep = 0.01
const imputedConfidence = 0.5
const sparseShare = 0.3
const gapWeight = 0.02
const longestHoldWindows = 0.5
const heldWeight = 0.1
/** However long the samples are apart, this many are needed to call a level normal, or new. */
const leastWindowSamples = 100
const leastHeldSamples = 30
/** Larger values are taken for this one, so that no sum or square overflows. */
const largestValue = 1e150

function bounded(value: number): number {
  return Math.min(largestValue, Math.max(-largestValue, value))
}

function holdBack(rows: Float64Array, at: number, value: number): void {
  const held = rows[at + field.heldSamples]!
  const weight = Math.max(1 / (held + 1), heldWeight)
  if (held === 0) rows[at + field.heldDeviation] = 0
  else
    rows[at + field.heldDeviation]! += weight * (Math.abs(value - rows[at + field.heldMean]!) - rows[at + field.heldDeviation]!)
  rows[at + field.heldMean]! += weight * (value - rows[at + field.heldMean]!)
  rows[at + field.heldSamples] = held + 1
}

function adoptHeld(rows: Float64Array, at: number): void {
  rows[at + field.mean] = rows[at + field.heldMean]!
  rows[at + field.deviation] = Math.max(rows[at + field.deviation]!, rows[at + field.heldDeviation]!)
  rows[at + field.heldSamples] = 0
}

function halfWidthOf(rows: Float64Array, at: number, mean: number): number {
  const deviations = Math.max(leastHalfWidthDeviations, peakMargin * rows[at + field.usualPeak]!)
  return Math.max(deviations * rows[at + field.deviation]!, leastRelativeHalfWidth * Math.abs(mean), leastHalfWidth)
}

function learnBand(rows: Float64Array, at: number, value: number, weight: number): void {
  const off = Math.abs(value - rows[at + field.mean]!)
  const samples = rows[at + field.samples]!
  if (samples > blockSamples) {
    const deviations = off / Math.max(rows[at + field.deviation]!, leastHalfWidth)
    rows[at + field.blockPeak] = Math.max(rows[at + field.blockPeak]!, Math.min(deviations, longestPeakDeviations))
    if (samples % blockSamples === 0) {
      const first = rows[at + field.usualPeak] === 0
      rows[at + field.usualPeak]! += (first ? 1 : peakWeight) * (rows[at + field.blockPeak]! - rows[at + field.usualPeak]!)
      rows[at + field.blockPeak] = 0
    }
  }
  rows[at + field.mean]! += weight * (value - rows[at + field.mean]!)
  if (samples > 0) rows[at + field.deviation]! += weight * (off - rows[at + field.deviation]!)
}

/** One freak must not widen the band for hours. */
const longestPeakDeviations = 12

/** The real line onto (0, 1): half the interval for the inner `leastHalfWidthDeviations` deviations to each side. */
function squash(deviations: number): number {
  return 0.5 + (0.5 * deviations) / (Math.abs(deviations) + leastHalfWidthDeviations)
}
