/**
 * Remote write 1.0, receiving side: from the body of a request to the samples of its series.
 *
 * A sender repeats the labels of a series in every request, so a series is looked up by the raw bytes of its labels; only bytes
 * that were not seen lately are decoded, checked, hashed and their texts interned. Values leave finite or not at all: staleness
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
export function createWriteDecoder(entityBy: readonly string[]): WriteDecoder {
  const known = createRecentCache<SeriesIdentity>(rememberedSeries)
  const texts = createRecentCache<string>(internedTexts)
  const intern = (text: string) => {
    const shared = texts.get(text)
    if (shared === undefined) texts.set(text, text)
    return shared ?? text
  }
  const resolve = (labelBytes: string): SeriesIdentity => {
    let series = known.get(labelBytes)
    if (!series) {
      series = identify(readLabels(labelBytes, intern), entityBy)
      known.set(labelBytes, series)
    }
    return series
  }
  return {
    decode: (body) => {
      const content = openSnappyBlock(body)
      try {
        return readRequest(content, resolve)
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

/** One TimeSeries message; a sender may spread a series over several. */
interface RawSeries {
  /** The label fields as they came, a character a byte, each with its tag. */
  labelBytes: string
  readonly timestampsMs: number[]
  readonly values: number[]
  readonly flags: number[]
  nonFinite: number
  outOfRange: number
  histograms: number
}

const bytesType = 2
const doubleType = 1
const varintType = 0

function readRequest(content: Uint8Array, resolve: (labelBytes: string) => SeriesIdentity): DecodedWrite {
  const reader = new PbfReader(content)
  const merged = new Map<SeriesIdentity, RawSeries>()
  const counts = { nonFiniteSamples: 0, invalidSamples: 0, histograms: 0 }
  let firstProblem: string | undefined
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field !== 1) continue
    const raw = readSeries(reader, messageEnd(reader, content.length))
    counts.histograms += raw.histograms
    counts.nonFiniteSamples += raw.nonFinite
    counts.invalidSamples += raw.outOfRange
    if (raw.outOfRange > 0) firstProblem ??= 'a timestamp beyond all dates'
    try {
      merge(merged, resolve(raw.labelBytes), raw)
    } catch (error) {
      if (!(error instanceof LabelProblem)) throw error
      counts.invalidSamples += raw.timestampsMs.length
      firstProblem ??= error.message
    }
  }
  if (reader.pos !== content.length) throw new WriteError('malformed', 'it ends within a field')
  return { series: [...merged].map(([series, raw]) => inOrder(series, raw)), ...counts, firstProblem }
}

function readSeries(reader: PbfReader, end: number): RawSeries {
  const raw: RawSeries = { labelBytes: '', timestampsMs: [], values: [], flags: [], nonFinite: 0, outOfRange: 0, histograms: 0 }
  const bytes = reader.buf as Buffer
  let runStart = 0
  let runEnd = 0
  for (let field = reader.nextField(end); field !== 0; field = reader.nextField(end)) {
    if (field === 1) {
      // Label fields usually follow each other with one byte of tag between them: such a run is taken in one piece.
      if (reader.pos !== runEnd + 1) {
        if (runEnd > 0) raw.labelBytes += `\n${bytes.toString('latin1', runStart, runEnd)}`
        runStart = reader.pos
      }
      runEnd = messageEnd(reader, end)
      reader.pos = runEnd
    } else if (field === 2) readSample(reader, messageEnd(reader, end), raw)
    else if (field === 4) raw.histograms++
  }
  if (reader.pos !== end) throw new WriteError('malformed', 'a series does not end where it should')
  if (runEnd > 0) raw.labelBytes += `\n${bytes.toString('latin1', runStart, runEnd)}`
  return raw
}

function readSample(reader: PbfReader, end: number, raw: RawSeries): void {
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
  if (Math.abs(timestampMs) > latestMs) raw.outOfRange++
  else if (flag === 0 && !Number.isFinite(value)) raw.nonFinite++
  else {
    raw.timestampsMs.push(timestampMs)
    raw.values.push(flag === 0 ? value : 0)
    raw.flags.push(flag)
  }
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

function merge(merged: Map<SeriesIdentity, RawSeries>, series: SeriesIdentity, raw: RawSeries): void {
  const earlier = merged.get(series)
  if (!earlier) {
    merged.set(series, raw)
    return
  }
  for (let i = 0; i < raw.timestampsMs.length; i++) {
    earlier.timestampsMs.push(raw.timestampsMs[i]!)
    earlier.values.push(raw.values[i]!)
    earlier.flags.push(raw.flags[i]!)
  }
}

/** The samples with rising timestamps; of several at one time the first counts, as in Prometheus. */
function inOrder(series: SeriesIdentity, { timestampsMs, values, flags }: RawSeries): SeriesSamples {
  if (timestampsMs.every((timestampMs, i) => i === 0 || timestampMs > timestampsMs[i - 1]!))
    return { series, timestampsMs, values, flags }
  const order = timestampsMs.map((_, i) => i).sort((a, b) => timestampsMs[a]! - timestampsMs[b]! || a - b)
  const kept = order.filter((at, i) => i === 0 || timestampsMs[at] !== timestampsMs[order[i - 1]!])
  return {
    series,
    timestampsMs: kept.map((at) => timestampsMs[at]!),
    values: kept.map((at) => values[at]!),
    flags: kept.map((at) => flags[at]!),
  }
}
