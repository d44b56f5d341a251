/**
 * Remote write 1.0, receiving side: from the body of a request to the samples of its series.
 *
 * A sender repeats the labels of a series in every request, so a series is found by the raw bytes of its labels
 * (`known-series.ts`); only bytes that were not seen lately are decoded, checked, hashed and their texts interned. Values leave finite or not at all: staleness
 * markers become a flag, other NaNs and infinities are counted and dropped. A series with invalid labels is left out and
 * counted, and its neighbours go on; only a body that cannot be read at all is refused whole.
 *
 * The reader never checks a position before it reads; instead every message must end exactly where its length said, which
 * any overrun breaks. Unknown fields are skipped. Native histograms and exemplars are counted, not decoded.
 *
 * Blind spot: two spellings of one label set (another order) are two cache entries, and two rows of a batch.
 *
 * Source: Prometheus Remote-Write specification 1.0; prompb/types.proto.
 */
import { type LabelSet, sortedLabels } from '@lapwing/contracts/series'
import { sampleFlags } from '@lapwing/contracts/series-state'
import type { SeriesIdentity } from '@lapwing/contracts/series-table'
import { PbfReader } from 'pbf'
import { type KnownSeries, labelTag, SeriesFinder } from './known-series.ts'
import { type LabelLimits, labelOverLimit } from './label-limits.ts'
import { createRecentCache } from './recent-cache.ts'
import { WriteError } from './remote-write-errors.ts'
import { identify, type SeriesSamples } from './series-samples.ts'
import { openSnappyBlock } from './snappy-block.ts'
import { isStaleMarker } from './staleness.ts'

export interface DecodedWrite {
  readonly series: readonly SeriesSamples[]
  /** Dropped because neither a finite value nor a staleness marker. Legal to send: an empty summary has such quantiles. */
  readonly nonFiniteSamples: number
  /** Samples left out because their labels or their timestamp break the specification. */
  readonly invalidSamples: number
  /** Samples left out because a label of their series is over a limit. */
  readonly overLimitSamples: number
  /** The first reason for one of them, for the sender. */
  readonly firstProblem: string | undefined
  readonly histograms: number
}

export interface WriteDecoder {
  /** Throws WriteError. */
  decode(body: Uint8Array): DecodedWrite
}

/** Series whose labels are remembered, about 1 KB each; twice as many at the worst moment. */
const rememberedSeries = 100_000
/** Label texts that are shared between series. */
const internedTexts = 100_000
/** Bytes of the labels of one series; more would not fit a record of the log. */
const labelBytesMax = 64 * 1024
/** The range of a JavaScript date: beyond it a timestamp could not even be shown. */
const latestMs = 8.64e15

/** @param entityBy names of the labels that make an entity */
export function createWriteDecoder(entityBy: readonly string[], limits: LabelLimits): WriteDecoder {
  const texts = createRecentCache<string>(internedTexts)
  const intern = (text: string) => {
    const shared = texts.get(text)
    if (shared === undefined) texts.set(text, text)
    return shared ?? text
  }
  const finder = new SeriesFinder(rememberedSeries, (labelBytes) =>
    identify(withinLimits(readLabels(labelBytes, intern), limits), entityBy),
  )
  let requests = 0
  return {
    decode: (body) => {
      const content = openSnappyBlock(body)
      try {
        return new RequestReader(content, finder, ++requests).read()
      } catch (cause) {
        // The reader throws plain and range errors for damaged bytes; a type error would be a fault of ours.
        if (cause instanceof WriteError || cause instanceof TypeError) throw cause
        throw new WriteError('malformed', (cause as Error).message, cause)
      }
    },
  }
}

/** Labels that break the specification: the series is left out. */
class LabelProblem extends Error {}
/** Labels that are legal and more than is taken: the series is left out. */
class OverLabelLimit extends LabelProblem {}

const bytesType = 2
const doubleType = 1
const varintType = 0

/** Reads one request. Samples go into columns that are shared by all series, so that a series takes no more than it has. */
class RequestReader {
  readonly #bytes: Buffer
  readonly #reader: PbfReader
  readonly #finder: SeriesFinder
  readonly #request: number
  readonly #series: WrittenSeries[] = []
  /** Places of series whose samples must be put in order. */
  readonly #unordered = new Set<number>()
  readonly #timestampsMs: number[] = []
  readonly #values: number[] = []
  readonly #flags: number[] = []
  /** Samples of the series in hand, in the columns above. */
  #count = 0
  #nonFinite = 0
  #invalid = 0
  #overLimit = 0
  #histograms = 0
  #firstProblem: string | undefined

  constructor(bytes: Buffer, finder: SeriesFinder, request: number) {
    this.#bytes = bytes
    this.#reader = new PbfReader(bytes)
    this.#finder = finder
    this.#request = request
  }

  read(): DecodedWrite {
    const reader = this.#reader
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field === 1) this.#readSeries(messageEnd(reader, this.#bytes.length))
    }
    if (reader.pos !== this.#bytes.length) throw new WriteError('malformed', 'it ends within a field')
    for (const place of this.#unordered) this.#series[place] = inOrder(this.#series[place]!)
    return {
      series: this.#series,
      nonFiniteSamples: this.#nonFinite,
      invalidSamples: this.#invalid,
      overLimitSamples: this.#overLimit,
      firstProblem: this.#firstProblem,
      histograms: this.#histograms,
    }
  }

  /** One TimeSeries message; a sender may spread a series over several. */
  #readSeries(end: number): void {
    const reader = this.#reader
    this.#count = 0
    let before = ''
    let runStart = 0
    let runEnd = 0
    for (let field = reader.nextField(end); field !== 0; field = reader.nextField(end)) {
      if (field === 1) {
        // Label fields usually follow each other with one byte of tag between them: such a run is taken in one piece.
        if (reader.pos !== runEnd + 1) {
          before += runEnd > 0 ? this.#bytes.toString('latin1', runStart, runEnd) + labelTag : labelTag
          runStart = reader.pos
        }
        runEnd = messageEnd(reader, end)
        reader.pos = runEnd
      } else if (field === 2) this.#readSample(messageEnd(reader, end))
      else if (field === 4) this.#histograms++
    }
    if (reader.pos !== end) throw new WriteError('malformed', 'a series does not end where it should')
    try {
      this.#take(this.#finder.find(before, this.#bytes, runStart, runEnd))
    } catch (error) {
      if (!(error instanceof LabelProblem)) throw error
      if (error instanceof OverLabelLimit) this.#overLimit += this.#count
      else this.#invalid += this.#count
      this.#firstProblem ??= error.message
    }
  }

  #readSample(end: number): void {
    const reader = this.#reader
    let value = 0
    let timestampMs = 0
    let flag = 0
    for (let field = reader.nextField(end); field !== 0; field = reader.nextField(end)) {
      if (field === 1) {
        expectType(reader, doubleType)
        value = reader.readDouble()
        flag = Number.isNaN(value) && isStaleMarker(reader.dataView, reader.pos - 8) ? sampleFlags.stale : 0
      } else if (field === 2) {
        expectType(reader, varintType)
        timestampMs = reader.readVarint(true)
      }
    }
    if (reader.pos !== end) throw new WriteError('malformed', 'a sample does not end where it should')
    if (Math.abs(timestampMs) > latestMs) {
      this.#invalid++
      this.#firstProblem ??= 'a timestamp beyond all dates'
    } else if (flag === 0 && !Number.isFinite(value)) this.#nonFinite++
    else {
      this.#timestampsMs[this.#count] = timestampMs
      this.#values[this.#count] = flag === 0 ? value : 0
      this.#flags[this.#count] = flag
      this.#count++
    }
  }

  /** The samples in hand are those of this series. */
  #take(known: KnownSeries): void {
    const count = this.#count
    let checkFrom = 1
    if (known.request !== this.#request) {
      known.request = this.#request
      known.place = this.#series.length
      this.#series.push({
        series: known.identity,
        timestampsMs: beginning(this.#timestampsMs, count),
        values: beginning(this.#values, count),
        flags: beginning(this.#flags, count),
      })
    } else {
      const { timestampsMs, values, flags } = this.#series[known.place]!
      // Only what is new: a stranger may spread a series over a million messages.
      checkFrom = Math.max(1, timestampsMs.length)
      for (let i = 0; i < count; i++) {
        timestampsMs.push(this.#timestampsMs[i]!)
        values.push(this.#values[i]!)
        flags.push(this.#flags[i]!)
      }
    }
    if (!isRising(this.#series[known.place]!.timestampsMs, checkFrom)) this.#unordered.add(known.place)
  }
}

/** SeriesSamples while they are being read. */
interface WrittenSeries {
  readonly series: SeriesIdentity
  readonly timestampsMs: number[]
  readonly values: number[]
  readonly flags: number[]
}

/** A literal for the one sample that a series mostly has: it is made in place and takes no more than it holds. */
function beginning(column: number[], count: number): number[] {
  return count === 1 ? [column[0]!] : column.slice(0, count)
}

/** Where the message that starts here ends; the reader stands on its length. */
function messageEnd(reader: PbfReader, parentEnd: number): number {
  expectType(reader, bytesType)
  const end = reader.readVarint() + reader.pos
  if (end > parentEnd) throw new WriteError('malformed', 'a field is longer than what holds it')
  return end
}

function expectType(reader: PbfReader, type: number): void {
  if (reader.type !== type) throw new WriteError('malformed', `a field of wire type ${reader.type}, expected ${type}`)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Throws LabelProblem. A label without a value is the same as no label. */
function readLabels(labelBytes: string, intern: (text: string) => string): LabelSet {
  if (labelBytes.length > labelBytesMax) throw new LabelProblem(`labels of ${labelBytes.length} bytes, at most ${labelBytesMax}`)
  const bytes = Buffer.from(labelBytes, 'latin1')
  const reader = new PbfReader(bytes)
  const pairs = new Map<string, string>()
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    const [name, value] = readLabel(reader, messageEnd(reader, bytes.length))
    if (name === '') throw new LabelProblem('a label without a name')
    if (pairs.has(name)) throw new LabelProblem(`label ${name} twice`)
    if (value !== '') pairs.set(intern(name), intern(value))
  }
  if (!pairs.has('__name__')) throw new LabelProblem('a series without a metric name')
  return sortedLabels(pairs)
}

/** Throws LabelProblem. */
function withinLimits(labels: LabelSet, limits: LabelLimits): LabelSet {
  const problem = labelOverLimit(labels, limits)
  if (problem) throw new OverLabelLimit(problem)
  return labels
}

function readLabel(reader: PbfReader, end: number): [name: string, value: string] {
  const texts: [string, string] = ['', '']
  for (let field = reader.nextField(end); field !== 0; field = reader.nextField(end)) {
    if (field !== 1 && field !== 2) continue
    const textEnd = messageEnd(reader, end)
    texts[field - 1] = readText(reader.buf.subarray(reader.pos, textEnd))
    reader.pos = textEnd
  }
  if (reader.pos !== end) throw new WriteError('malformed', 'a label does not end where it should')
  return texts
}

function readText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new LabelProblem('a label that is not UTF-8')
  }
}

/** Whether each from there on is newer than the one before it. */
function isRising(timestampsMs: readonly number[], from: number): boolean {
  for (let i = from; i < timestampsMs.length; i++) if (timestampsMs[i]! <= timestampsMs[i - 1]!) return false
  return true
}

/** The samples with rising timestamps; of several at one time the first counts, as in Prometheus. */
function inOrder({ series, timestampsMs, values, flags }: WrittenSeries): WrittenSeries {
  const order = timestampsMs.map((_, i) => i).sort((a, b) => timestampsMs[a]! - timestampsMs[b]! || a - b)
  const kept = order.filter((at, i) => i === 0 || timestampsMs[at] !== timestampsMs[order[i - 1]!])
  return {
    series,
    timestampsMs: kept.map((at) => timestampsMs[at]!),
    values: kept.map((at) => values[at]!),
    flags: kept.map((at) => flags[at]!),
  }
}
