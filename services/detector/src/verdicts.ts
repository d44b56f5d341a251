/**
 * Verdicts of people in the detector of a partition: from the feedback topic into the state of a series, and from there to what is
 * told of its episodes. `libs/detection/src/feedback.ts` decides; here it is read, kept by slot, and brought into the snapshot.
 */
import { DecodeError, decode } from '@lapwing/contracts/codec'
import type { Feedback } from '@lapwing/contracts/records'
import { keyBytes } from '@lapwing/contracts/series-table'
import {
  decodeFeedback,
  type EpisodeSample,
  encodeFeedback,
  follow,
  noFeedback,
  type SeriesFeedback,
  type SuppressingVerdict,
  suppressingVerdicts,
  type Told,
  withoutVerdict,
  withVerdict,
} from '@lapwing/detection/feedback'
import type { LogRecord } from '@lapwing/stream/log'
import type { KeyState } from '@lapwing/stream/partition-state'
import { takeGone } from './gone-keys.ts'

/** What became of a record of the feedback topic. */
export interface VerdictOutcome {
  readonly verdict: Feedback['verdict']
  /** `series_limit`: the partition has no room for the series. `ended`: a new level was named after the episode had ended. */
  readonly outcome: 'applied' | 'series_limit' | 'ended'
}

/** The part of the partition's state that verdicts touch. */
export interface JudgedSeries {
  /** -1 when there is no room for it. */
  slotOf(seriesKey: Uint8Array): number
  keyOf(slot: number): Uint8Array
  /** Takes the level of the open episode for normal; false when the episode is not open. */
  adoptLevel(slot: number, startedAtMs: number): boolean
}

export class Verdicts {
  readonly #series: JudgedSeries
  /** Only of series that have something to keep. */
  readonly #feedback = new Map<number, SeriesFeedback>()
  readonly #changed = new Set<number>()

  constructor(series: JudgedSeries) {
    this.#series = series
  }

  /** For each sample of a series whose episode is open or has just ended. */
  follow(slot: number, sample: EpisodeSample): Told {
    const { state, told } = follow(this.#feedback.get(slot) ?? noFeedback, sample)
    this.#keep(slot, state)
    return told
  }

  /** Whether something of the series is to be kept. */
  has(slot: number): boolean {
    return this.#feedback.has(slot)
  }

  /** Forgets the series, of which there is nothing to keep; returns its key on the state topic. */
  forget(slot: number): Uint8Array {
    this.#changed.delete(slot)
    return feedbackKey(this.#series.keyOf(slot))
  }

  /** Throws a DecodeError. */
  apply({ key, value }: Pick<LogRecord, 'key' | 'value'>): VerdictOutcome {
    if (value) return this.#applyVerdict(decodeVerdict(value))
    this.#takeBack({ anomalyId: Buffer.from(key ?? []).toString() })
    return { verdict: 'undone', outcome: 'applied' }
  }

  /** Keys on the state topic of series of which there is nothing to keep any more. */
  takeForgotten(): Uint8Array[] {
    const gone = takeGone(this.#changed, (slot) => this.#feedback.has(slot))
    return gone.map((slot) => feedbackKey(this.#series.keyOf(slot)))
  }

  *takeChanged(): Generator<KeyState> {
    for (const slot of this.#changed) {
      yield { key: feedbackKey(this.#series.keyOf(slot)), snapshot: encodeFeedback(this.#feedback.get(slot)!) }
    }
    this.#changed.clear()
  }

  /** False when the key is of something else. Throws a RangeError when the bytes do not fit. */
  restore(key: Uint8Array, snapshot: Uint8Array): boolean {
    if (key.length !== keyBytes + 1 || key[keyBytes] !== feedbackTag) return false
    const slot = this.#series.slotOf(key)
    const state = decodeFeedback(snapshot)
    if (slot !== -1 && !isEmpty(state)) this.#feedback.set(slot, state)
    return true
  }

  #applyVerdict(feedback: Feedback): VerdictOutcome {
    const { verdict, anomalyId, episodeId, startedAtMs, untilMs, signature } = feedback
    const slot = this.#series.slotOf(Buffer.from(feedback.seriesKey, 'hex'))
    if (slot === -1) return { verdict, outcome: 'series_limit' }
    const others = withoutVerdict(this.#feedback.get(slot) ?? noFeedback, { anomalyId, episodeId })
    if (isSuppressing(verdict)) {
      this.#keep(slot, withVerdict(others, { verdict, anomalyId, episodeId, startedAtMs, untilMs, signature }))
      return { verdict, outcome: 'applied' }
    }
    this.#keep(slot, others)
    const ended = verdict === 'new_normal' && !this.#series.adoptLevel(slot, startedAtMs)
    return { verdict, outcome: ended ? 'ended' : 'applied' }
  }

  /** The series is not named by a tombstone; whoever has the verdict is found. */
  #takeBack(of: { readonly anomalyId: string }): void {
    for (const [slot, state] of this.#feedback) {
      const { verdicts } = withoutVerdict(state, of)
      if (verdicts.length < state.verdicts.length) this.#keep(slot, { ...state, verdicts })
    }
  }

  #keep(slot: number, state: SeriesFeedback): void {
    if (isEmpty(state) && !this.#feedback.has(slot)) return
    this.#changed.add(slot)
    if (isEmpty(state)) this.#feedback.delete(slot)
    else this.#feedback.set(slot, state)
  }
}

/** Last byte of a key on the state topic: that of a series and one more. */
const feedbackTag = 1

function feedbackKey(seriesKey: Uint8Array): Uint8Array {
  return Uint8Array.of(...seriesKey, feedbackTag)
}

function isEmpty({ verdicts, open }: SeriesFeedback): boolean {
  return verdicts.length === 0 && !open
}

function isSuppressing(verdict: Feedback['verdict']): verdict is SuppressingVerdict {
  return (suppressingVerdicts as readonly string[]).includes(verdict)
}

/** What a detector could not live with is refused as damage: it would be in its state for good. */
function decodeVerdict(value: Uint8Array): Feedback {
  const feedback = decode('Feedback', value)
  const { signature, seriesKey } = feedback
  if (!/^[0-9a-f]{32}$/.test(seriesKey)) throw new DecodeError('malformed', `a verdict names the series ${seriesKey}`)
  if (!signature) return feedback
  const { reasons, ...numbers } = signature
  const all = [...Object.values(numbers), ...reasons.map(({ share }) => share)]
  if (!all.every(Number.isFinite)) throw new DecodeError('malformed', 'the signature of a verdict holds no numbers')
  if (reasons.length > mostReasons) throw new DecodeError('malformed', `a verdict has ${reasons.length} reasons`)
  return feedback
}

/** More than a detector has. */
const mostReasons = 32
