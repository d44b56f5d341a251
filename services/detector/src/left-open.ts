/**
 * What an earlier detector told of the series of a partition, for one that begins without its state: because that was of other
 * settings, of a newer layout, damaged, or is gone.
 *
 * The new one learns from the samples that are still on the log, and nobody is told twice: of samples that were answered before it
 * tells nothing. An episode that it finds there and that is still open is told when the first sample comes that was not answered. Where
 * people know of an open episode of the series already, it goes on under that name. Where the new detector has none once it has come to
 * the end of what the earlier one could have seen, the old one is ended, with a reason that says so: nobody else would ever end it.
 *
 * Blind to a partition to which no live sample comes any more: time comes from samples. And to an episode of an earlier owner who did not
 * know yet that it was none any more.
 */
import { DecodeError, decode, encode } from '@lapwing/contracts/codec'
import type { Anomaly } from '@lapwing/contracts/records'
import { keyBytes } from '@lapwing/contracts/series-table'
import { type Severity, severities } from '@lapwing/detection/episode'
import type { Told } from '@lapwing/detection/feedback'
import type { KeyState } from '@lapwing/stream/partition-state'
import type { NewBeginning } from '@lapwing/stream/stateful-stage'
import type { EpisodeName } from './anomaly.ts'
import { takeGone } from './gone-keys.ts'

/** What there is to tell, and the name of the episode when it is not its own. */
export interface ToldUnder {
  readonly told: Told
  readonly under: EpisodeName | undefined
}

/** Of a sample: offset of its record on the input, and its time. */
export interface SamplePlace {
  readonly offset: bigint
  readonly timestampMs: number
}

/** Of one series. */
interface Memory {
  /** Newest records of the episodes that an earlier detector left open, the one that began last first. */
  readonly left: readonly Anomaly[]
  /** The first of them is the open episode of this detector. */
  readonly goesOn: boolean
  /** This detector has an open episode that nobody was told of. */
  readonly untold: boolean
}

export class LeftOpen {
  #places: NewBeginning | undefined
  #placesChanged = false
  /** By the hexadecimal digits of the series' key. */
  readonly #series = new Map<string, Memory>()
  readonly #changed = new Set<string>()

  /** @param open newest record of each episode that is open on the anomaly topic */
  begin(places: NewBeginning, open: readonly Anomaly[]): void {
    this.#places = places
    this.#placesChanged = true
    const newestFirst = [...open].sort((a, b) => b.startedAtMs - a.startedAtMs)
    for (const anomaly of newestFirst) {
      const left = this.#series.get(anomaly.seriesKey)?.left ?? []
      this.#keep(anomaly.seriesKey, { left: [...left, anomaly], goesOn: false, untold: false })
    }
  }

  /** What to tell of a sample of the series with this key. */
  tell(key: Uint8Array, told: Told, sample: SamplePlace): ToldUnder {
    if (!this.#places && this.#series.size === 0) return { told, under: undefined }
    const seriesKey = Buffer.from(key).toString('hex')
    const memory = this.#series.get(seriesKey)
    if (this.#isAnswered(sample, memory)) {
      if (told.transition === 'opened') this.#keep(seriesKey, { ...(memory ?? nothingLeft), untold: true })
      if (told.transition === 'resolved') this.#keep(seriesKey, { ...(memory ?? nothingLeft), untold: false })
      return { told: { ...told, transition: 'none' }, under: undefined }
    }
    if (!memory) return { told, under: undefined }
    return memory.left[0] ? this.#goOn(seriesKey, memory, memory.left[0], told) : this.#makeUp(seriesKey, told)
  }

  /**
   * Whether an earlier owner told what there was to tell: it had the offset behind it, or has told of something later in the series. Without
   * the second an episode that was over before would be taken for the open one, and would end it.
   */
  #isAnswered({ offset, timestampMs }: SamplePlace, memory: Memory | undefined): boolean {
    if (!this.#places) return false
    return offset < this.#places.answeredBefore || (memory?.left ?? []).some(({ observedAtMs }) => timestampMs < observedAtMs)
  }

  /**
   * Newest records of the episodes to be ended now: once the offset is one that no earlier owner has seen, those of series of which this
   * detector has no open episode.
   */
  takeEnded(offset: bigint, isOpen: (seriesKey: string) => boolean): Anomaly[] {
    if (!this.isDue(offset)) return []
    this.#places = undefined
    this.#placesChanged = true
    const ended: Anomaly[] = []
    for (const [seriesKey, memory] of this.#series) {
      const kept = isOpen(seriesKey) ? 1 : 0
      ended.push(...memory.left.slice(kept))
      this.#keep(seriesKey, { ...memory, left: memory.left.slice(0, kept) })
    }
    return ended.sort((a, b) => (a.episodeId < b.episodeId ? -1 : 1))
  }

  /** Whether `takeEnded` is to be asked at this offset. */
  isDue(offset: bigint): boolean {
    return this.#places !== undefined && offset >= this.#places.unseenFrom
  }

  /** Keys on the state topic of what is over. */
  takeForgotten(): Uint8Array[] {
    const over = takeGone(this.#changed, (seriesKey) => this.#series.has(seriesKey)).map(stateKey)
    if (!this.#placesChanged || this.#places) return over
    this.#placesChanged = false
    return [...over, placesKey]
  }

  *takeChanged(): Generator<KeyState> {
    for (const seriesKey of this.#changed) {
      yield { key: stateKey(seriesKey), snapshot: encodeMemory(this.#series.get(seriesKey)!) }
    }
    if (this.#placesChanged) yield { key: placesKey, snapshot: encodePlaces(this.#places!) }
    this.#changed.clear()
    this.#placesChanged = false
  }

  /** False when the key is of something else. Throws a RangeError when the bytes do not fit. */
  restore(key: Uint8Array, snapshot: Uint8Array): boolean {
    const tag = key.length === keyBytes + 1 ? key[keyBytes] : undefined
    if (tag === placesTag) this.#restorePlaces(snapshot)
    if (tag === seriesTag) this.#restoreSeries(Buffer.from(key.subarray(0, keyBytes)).toString('hex'), snapshot)
    return tag === placesTag || tag === seriesTag
  }

  #restorePlaces(snapshot: Uint8Array): void {
    if (snapshot.length > 0) this.#places = decodePlaces(snapshot)
    else this.#placesChanged = true
  }

  /** What is empty was written by 0.1.0 for what is over, and leaves the topic. */
  #restoreSeries(seriesKey: string, snapshot: Uint8Array): void {
    if (snapshot.length > 0) this.#series.set(seriesKey, decodeMemory(snapshot))
    else this.#changed.add(seriesKey)
  }

  /** The series has an open episode that people know by the name of `left`. */
  #goOn(seriesKey: string, memory: Memory, left: Anomaly, told: Told): ToldUnder {
    const begins = told.transition === 'opened' || memory.untold
    if (!begins && !memory.goesOn) return { told, under: undefined }
    const isOver = told.transition === 'resolved'
    const severity = higher(told.severity, left.severity)
    const known = { ...left, severity }
    const others = memory.left.slice(1)
    this.#keep(seriesKey, { left: isOver ? others : [known, ...others], goesOn: !isOver, untold: false })
    const transition = isOver ? 'resolved' : severity === left.severity ? 'none' : 'escalated'
    return { told: { ...told, severity, transition }, under: left }
  }

  /** The series has an episode that nobody was told of. */
  #makeUp(seriesKey: string, told: Told): ToldUnder {
    this.#keep(seriesKey, nothingLeft)
    return { told: { ...told, transition: told.transition === 'resolved' ? 'none' : 'opened' }, under: undefined }
  }

  #keep(seriesKey: string, memory: Memory): void {
    if (memory.left.length > 0 || memory.untold) this.#series.set(seriesKey, memory)
    else if (!this.#series.delete(seriesKey)) return
    this.#changed.add(seriesKey)
  }
}

/** Of the detectors of series; models of entities are others. */
export const isOfSeries = ({ model }: Anomaly) => model.startsWith('online-')

/** Takes the records of a partition in, in their order: `open` has then the newest of each episode that none of them ended. */
export function followOpen(open: Map<string, Anomaly>, records: Iterable<Anomaly>): void {
  for (const record of records) {
    if (record.state === 'resolved') open.delete(record.episodeId)
    else open.set(record.episodeId, record)
  }
}

const nothingLeft: Memory = { left: [], goesOn: false, untold: false }

/** Last bytes of keys on the state topic; 1 to 5 are verdicts, cohorts and silence. */
const seriesTag = 6
const placesTag = 7
const placesKey = Uint8Array.of(...new Uint8Array(keyBytes), placesTag)

function higher(a: Severity, b: Severity): Severity {
  return severities.indexOf(a) >= severities.indexOf(b) ? a : b
}

function stateKey(seriesKey: string): Uint8Array {
  return Uint8Array.of(...Buffer.from(seriesKey, 'hex'), seriesTag)
}

function encodePlaces(places: NewBeginning): Uint8Array {
  const bytes = Buffer.alloc(16)
  bytes.writeBigInt64LE(places.answeredBefore, 0)
  bytes.writeBigInt64LE(places.unseenFrom, 8)
  return bytes
}

function decodePlaces(snapshot: Uint8Array): NewBeginning {
  if (snapshot.length !== 16) throw new RangeError(`the places of a new beginning take 16 bytes, found ${snapshot.length}`)
  const bytes = Buffer.from(snapshot)
  return { answeredBefore: bytes.readBigInt64LE(0), unseenFrom: bytes.readBigInt64LE(8) }
}

function encodeMemory({ goesOn, untold, left }: Memory): Uint8Array {
  return Buffer.from(JSON.stringify({ goesOn, untold, left: left.map((each) => encode('Anomaly', each).toString('base64')) }))
}

function decodeMemory(snapshot: Uint8Array): Memory {
  try {
    const { goesOn, untold, left } = JSON.parse(Buffer.from(snapshot).toString()) as Record<keyof Memory, never>
    const records = (left as readonly string[]).map((each) => decode('Anomaly', Buffer.from(each, 'base64')))
    return { goesOn: goesOn === true, untold: untold === true, left: records }
  } catch (error) {
    if (!(error instanceof DecodeError || error instanceof SyntaxError || error instanceof TypeError)) throw error
    throw new RangeError(`what was left open of a series cannot be read: ${error.message}`)
  }
}
