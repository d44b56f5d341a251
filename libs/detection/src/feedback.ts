/**
 * Verdicts of people on the episodes of one series, and what is told of later episodes because of them.
 *
 * A verdict never changes a score or what is learned. It lays a ceiling over the severity: an episode like one that was called a
 * false alarm (or expected, for a time) is recorded at severity `info`, with the verdict's name, and nobody is woken. So a verdict
 * that is taken back leaves nothing behind.
 *
 * "Like" is narrow on purpose; `isLike` says how. It is judged anew at every sample on the whole episode so far, so an episode that
 * grows clearly larger or lasts clearly longer than the one that was judged is told at that moment, as an escalation.
 *
 * Blind to the hour: a false alarm of the nightly backup covers the same spike at noon. Of more than `mostVerdicts` on one series the
 * oldest is forgotten, and taking a newer one back does not bring it back.
 */
import type { EpisodeSignature, Reason } from '@lapwing/contracts/records'
import { type EpisodeTransition, type Severity, severities } from './episode.ts'

/** Verdicts that hold a severity down; the names are those of the feedback record. */
export const suppressingVerdicts = ['false_alarm', 'expected', 'known'] as const
export type SuppressingVerdict = (typeof suppressingVerdicts)[number]

export interface Verdict {
  readonly verdict: SuppressingVerdict
  readonly anomalyId: string
  readonly episodeId: string
  /** Start of the episode that was judged. */
  readonly startedAtMs: number
  /** By the time of the samples; null for good. */
  readonly untilMs: number | null
  /** null when it is not known: then the verdict holds for its own episode only, and for others like it once that has ended. */
  readonly signature: EpisodeSignature | null
}

/** The open episode of a series, as it is and as it was told. */
interface OpenEpisode {
  readonly startedAtMs: number
  readonly signature: EpisodeSignature
  /** Number of `severities`. */
  readonly toldSeverity: number
}

/** What a series keeps; plain data, replaced and never changed in place. */
export interface SeriesFeedback {
  /** Oldest first. */
  readonly verdicts: readonly Verdict[]
  readonly open: OpenEpisode | undefined
}

export const noFeedback: SeriesFeedback = { verdicts: [], open: undefined }

/** A sample of a series with an open episode, or of one that just ended. */
export interface EpisodeSample {
  readonly timestampMs: number
  readonly transition: EpisodeTransition
  readonly startedAtMs: number
  readonly severity: Severity
  /** Its score is above 1 and it was observed. */
  readonly isAnomalous: boolean
  /** In half-widths of the expected band, negative below the expected value; 0 without a value. */
  readonly deviations: number
  /** The same in the unit of the metric. */
  readonly excursion: number
  readonly reasons: readonly Reason[]
}

/** What there is to tell of a sample. */
export interface Told {
  readonly transition: EpisodeTransition
  readonly severity: Severity
  /** The verdict that holds the severity down. */
  readonly suppressedBy: Verdict | undefined
  readonly signature: EpisodeSignature | null
}

/** Takes a sample in and says what there is to tell of it. */
export function follow(state: SeriesFeedback, sample: EpisodeSample): { state: SeriesFeedback; told: Told } {
  const before = sample.transition === 'opened' ? beginEpisode(sample) : state.open
  if (!before) return { state, told: { ...sample, suppressedBy: undefined, signature: null } }
  const signature = sample.isAnomalous ? extended(before.signature, sample) : before.signature
  const suppressedBy = state.verdicts.find((verdict) => covers(verdict, { ...before, signature }, sample.timestampMs))
  const severity = Math.max(before.toldSeverity, suppressedBy ? 0 : severities.indexOf(sample.severity))
  const told: Told = {
    transition: transitionOf(sample.transition, severity > before.toldSeverity),
    severity: severities[Math.max(severity, 0)]!,
    suppressedBy,
    signature,
  }
  const open = { startedAtMs: before.startedAtMs, signature, toldSeverity: severity }
  if (sample.transition !== 'resolved') return { state: { ...state, open }, told }
  return { state: { verdicts: withEnded(state.verdicts, open, suppressedBy), open: undefined }, told }
}

/** The state with one more verdict, in place of any earlier one on the same episode. */
export function withVerdict(state: SeriesFeedback, verdict: Verdict): SeriesFeedback {
  const others = state.verdicts.filter(
    ({ episodeId, anomalyId }) => episodeId !== verdict.episodeId && anomalyId !== verdict.anomalyId,
  )
  return { ...state, verdicts: [...others, verdict].slice(-mostVerdicts) }
}

/** The state without the verdicts on an anomaly or its episode. */
export function withoutVerdict(
  state: SeriesFeedback,
  of: { readonly anomalyId: string; readonly episodeId?: string },
): SeriesFeedback {
  const verdicts = state.verdicts.filter(({ episodeId, anomalyId }) => episodeId !== of.episodeId && anomalyId !== of.anomalyId)
  return { ...state, verdicts }
}

/** As bytes, for the snapshot. */
export function encodeFeedback(state: SeriesFeedback): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ layout, ...state }))
}

/** Throws a RangeError when the bytes are of another layout. */
export function decodeFeedback(bytes: Uint8Array): SeriesFeedback {
  const { layout: found, verdicts, open } = parse(bytes)
  if (found !== layout || !Array.isArray(verdicts)) throw new RangeError(`feedback of layout ${found}, expected ${layout}`)
  return { verdicts, open }
}

/**
 * Whether an episode, as far as it has come, is like one that was judged.
 *
 * It opened for the same reasons (half of the shares at least), to the same side of the expected value and not clearly smaller;
 * it has gone no further than half as far again, to either side; and it has not lasted longer than three times as many anomalous samples.
 * How far it went is taken in the unit of the metric or in half-widths, whichever speaks more for it: neither a calmer series, whose band
 * has narrowed, nor one that has grown makes another thing of the same spike.
 */
export function isLike(judged: EpisodeSignature, episode: EpisodeSignature): boolean {
  return (
    sharedReasons(judged.reasons, episode.reasons) >= leastSharedReasons &&
    isSameSide(judged.openingDeviations, episode.openingDeviations) &&
    !isClearlySmaller(judged, episode) &&
    hasNotGoneFurther(judged, episode) &&
    episode.anomalousSamples <= longestShare * Math.max(judged.anomalousSamples, fewSamples)
  )
}

/** Verdicts a series keeps. */
export const mostVerdicts = 16

const layout = 1
const leastSharedReasons = 0.5
/** Nearer to the expected value than this many half-widths an episode has no side. */
const sidelessDeviations = 0.5
const smallestShare = 1 / 3
const largestShare = 1.5
const longestShare = 3
/** However short the judged episode was, this long counts as short. */
const fewSamples = 5
/** However little the judged episode left the band, this many half-widths are allowed for. */
const leastDeviations = 1

/** @param open with everything up to this sample */
function covers({ untilMs, startedAtMs, signature }: Verdict, open: OpenEpisode, timestampMs: number): boolean {
  if (untilMs !== null && timestampMs >= untilMs) return false
  if (startedAtMs === open.startedAtMs) return signature === null || hasNotGoneFurther(signature, open.signature)
  return signature !== null && isLike(signature, open.signature)
}

function beginEpisode({ startedAtMs, deviations, excursion, reasons }: EpisodeSample): OpenEpisode {
  const signature: EpisodeSignature = {
    openingDeviations: deviations,
    openingExcursion: excursion,
    upDeviations: 0,
    downDeviations: 0,
    upExcursion: 0,
    downExcursion: 0,
    anomalousSamples: 0,
    reasons,
  }
  return { startedAtMs, signature, toldSeverity: -1 }
}

function extended(signature: EpisodeSignature, { deviations, excursion }: EpisodeSample): EpisodeSignature {
  return {
    ...signature,
    upDeviations: Math.max(signature.upDeviations, deviations),
    downDeviations: Math.max(signature.downDeviations, -deviations),
    upExcursion: Math.max(signature.upExcursion, excursion),
    downExcursion: Math.max(signature.downExcursion, -excursion),
    anomalousSamples: signature.anomalousSamples + 1,
  }
}

/** Beside what the detector says: an episode that a verdict no longer covers is told when that shows. */
function transitionOf(transition: EpisodeTransition, isMoreSevere: boolean): EpisodeTransition {
  if (transition === 'opened' || transition === 'resolved') return transition
  return isMoreSevere ? 'escalated' : 'none'
}

/** A verdict given while its episode was still open knows the whole of it afterwards, unless it had outgrown what was judged. */
function withEnded(verdicts: readonly Verdict[], open: OpenEpisode, suppressedBy: Verdict | undefined): readonly Verdict[] {
  if (suppressedBy?.startedAtMs !== open.startedAtMs) return verdicts
  return verdicts.map((verdict) => (verdict === suppressedBy ? { ...verdict, signature: open.signature } : verdict))
}

/** What no reason accounts for counts as one more of them. */
function sharedReasons(a: readonly Reason[], b: readonly Reason[]): number {
  const shareOf = (reasons: readonly Reason[], name: string) => reasons.find((reason) => reason.name === name)?.share ?? 0
  const unnamed = (reasons: readonly Reason[]) => Math.max(0, 1 - reasons.reduce((sum, reason) => sum + reason.share, 0))
  const named = a.reduce((sum, reason) => sum + Math.min(reason.share, shareOf(b, reason.name)), 0)
  return named + Math.min(unnamed(a), unnamed(b))
}

function isSameSide(a: number, b: number): boolean {
  return a * b >= 0 || Math.min(Math.abs(a), Math.abs(b)) < sidelessDeviations
}

function isClearlySmaller(judged: EpisodeSignature, episode: EpisodeSignature): boolean {
  if (Math.abs(judged.openingDeviations) < sidelessDeviations) return false
  const { openingDeviations, openingExcursion } = episode
  const opening = share(judged.openingDeviations, judged.openingExcursion, openingDeviations, openingExcursion, Math.max)
  return opening < smallestShare
}

function hasNotGoneFurther(judged: EpisodeSignature, episode: EpisodeSignature): boolean {
  return (
    share(judged.upDeviations, judged.upExcursion, episode.upDeviations, episode.upExcursion, Math.min) <= largestShare &&
    share(judged.downDeviations, judged.downExcursion, episode.downDeviations, episode.downExcursion, Math.min) <= largestShare
  )
}

/** How far the second went as a share of the first: in half-widths or in the unit of the metric, whichever `choose` takes. */
function share(
  judgedDeviations: number,
  judgedExcursion: number,
  deviations: number,
  excursion: number,
  choose: (a: number, b: number) => number,
): number {
  const inDeviations = Math.abs(deviations) / Math.max(Math.abs(judgedDeviations), leastDeviations)
  if (judgedExcursion === 0) return inDeviations
  return choose(inDeviations, Math.abs(excursion) / Math.abs(judgedExcursion))
}

function parse(bytes: Uint8Array): { layout?: unknown; verdicts?: readonly Verdict[]; open?: OpenEpisode } {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    throw new RangeError('feedback that cannot be read')
  }
}
