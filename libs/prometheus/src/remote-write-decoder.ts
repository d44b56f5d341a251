/**
 * Remote write 1.0 and 2.0, receiving side: from the body of a request to the samples of its series.
 *
 * A sender repeats the labels of a series in every request, so a series is found by the raw bytes of its labels
 * (`known-series.ts`); only bytes that were not seen lately are decoded, checked, hashed and their texts interned. Values leave finite or not at all: staleness
 * markers become a flag, other NaNs and infinities are counted and dropped. A series with invalid labels is left out and
 * counted, and its neighbours go on; only a body that cannot be read at all is refused whole.
 *
 * The reader never checks a position before it reads; instead every message must end exactly where its length said, which
 * any overrun breaks. Unknown fields are skipped. Native histograms and exemplars are counted, not decoded.
 *
 * In 2.0 labels are numbers of texts that stand in the request once. They are written out as 1.0 has them, so that a series is found and
 * its labels are checked in one way only. When a series or a sample was created or started is skipped, on the wire of either release
 * candidate (field 6 of a series before 3.8 of Prometheus, field 3 of a sample since).
 *
 * Blind spot: two spellings of one label set (another order) are two cache entries, and two rows of a batch.
 *
 * Source: Prometheus Remote-Write specifications 1.0 and 2.0; prompb/types.proto, io/prometheus/write/v2/types.proto.
 */
import { sampleFlags } from '@lapwing/contracts/series-state'
import type { SeriesIdentity } from '@lapwing/contracts/series-table'
import { PbfReader } from 'pbf'
import { type KnownSeries, labelTag, SeriesFinder } from './known-series.ts'
import { histogramProblem } from './native-histogram.ts'
import { originFinder, type PushRules, type SendingReplica } from './pushed-series.ts'
import { WriteError } from './remote-write-errors.ts'
import { bytesType, doubleType, expectType, messageEnd, varintType } from './remote-write-fields.ts'
import { LabelProblem, labelBytesMax } from './remote-write-labels.ts'
import { SampleColumns } from './sample-columns.ts'
import { openSnappyBlock } from './snappy-block.ts'
import { isStaleMarker } from './staleness.ts'

/** Valid until the next request is decoded. */
export interface DecodedWrite {
  /** Those with samples. A series that a sender spells in two ways is here twice. */
  readonly series: readonly SeriesIdentity[]
  /** Of each series: the place behind its last sample. Samples of a series follow each other, their timestamps rise. */
  readonly ends: readonly number[]
  readonly samples: SampleColumns
  /** Samples that were sent and are not among them, by reason. */
  readonly left: Readonly<Record<LeftReason, number>>
  /** What is wrong with the first of those that are refused, for the sender. */
  readonly firstProblem: string | undefined
  /** Replicas nobody has decided about: their samples are not among these, and the request is to be decoded again. */
  readonly undecided: readonly SendingReplica[]
  readonly histograms: number
  readonly exemplars: number
}

/**
 * Why a sample is not taken. Legal and dropped: `not_finite` (neither a finite value nor a staleness marker: an empty summary has such
 * quantiles), `relabelled` (by a rule), `duplicate` (another replica of its cluster is listened to). Refused: `invalid` (labels or
 * timestamp break the specification), `label_limit`, `series_limit`.
 */
export type LeftReason = 'not_finite' | 'invalid' | 'label_limit' | 'relabelled' | 'duplicate' | 'series_limit'

export type WriteVersion = '1.0' | '2.0'

/** What holds for the sender of one request. */
export interface WriteTerms {
  /** Empty: none. */
  readonly tenant: string
  /** Whether the samples of this replica are the ones taken of its cluster; undefined: not decided. Asked when the replica changes. */
  isElected(replica: SendingReplica): boolean | undefined
  /** undefined: there is no limit. */
  readonly seriesLimit: SeriesLimit | undefined
}

/** A limit of the series that are active. */
export interface SeriesLimit {
  /** A series that was admitted with this number need not be asked for again. */
  readonly pass: number
  /** Whether the series is active or may become so. */
  admit(series: SeriesIdentity): boolean
}

/** No tenant, every replica, no limit. */
export const openTerms: WriteTerms = { tenant: '', isElected: () => true, seriesLimit: undefined }

export interface WriteDecoder {
  /** Throws WriteError. */
  decode(body: Uint8Array, version: WriteVersion, terms?: WriteTerms): DecodedWrite
}

/** Series whose labels are remembered, twice as many at the worst moment: about 300 MB; fewer where labels are long. */
const rememberedSeries = 100_000
/** The range of a JavaScript date: beyond it a timestamp could not even be shown. */
const latestMs = 8.64e15

export function createWriteDecoder(rules: PushRules): WriteDecoder {
  const finder = new SeriesFinder(rememberedSeries, originFinder(rules))
  const samples = new SampleColumns()
  let requests = 0
  return {
    decode: (body, version, terms = openTerms) => {
      const content = openSnappyBlock(body)
      try {
        samples.clear()
        finder.tenant = terms.tenant
        const reader = new RequestReader(content, finder, ++requests, samples, terms)
        return version === '1.0' ? reader.read() : reader.readWithSymbols()
      } catch (cause) {
        // The reader throws plain and range errors for damaged bytes; a type error would be a fault of ours.
        if (cause instanceof WriteError || cause instanceof TypeError) throw cause
        throw new WriteError('malformed', (cause as Error).message, cause)
      }
    },
  }
}

/** Reads one request. */
class RequestReader {
  readonly #bytes: Buffer
  readonly #reader: PbfReader
  readonly #finder: SeriesFinder
  readonly #request: number
  readonly #samples: SampleColumns
  readonly #series: SeriesIdentity[] = []
  readonly #ends: number[] = []
  /** Whether a series came in pieces or with timestamps that do not rise. */
  #isUnordered = false
  readonly #terms: WriteTerms
  readonly #left = { not_finite: 0, invalid: 0, label_limit: 0, relabelled: 0, duplicate: 0, series_limit: 0 }
  readonly #undecided: SendingReplica[] = []
  /** The last one that was asked about, and what was answered. */
  #replica: SendingReplica | undefined
  #isElected: boolean | undefined
  #histograms = 0
  #exemplars = 0
  /** Of 2.0: where each text stands in the bytes, as start and end in turn. */
  readonly #symbols: number[] = []
  #firstProblem: string | undefined
  /** The counts before the series in hand. */
  readonly #before = { nonFinite: 0, histograms: 0, exemplars: 0 }

  constructor(bytes: Buffer, finder: SeriesFinder, request: number, samples: SampleColumns, terms: WriteTerms) {
    this.#bytes = bytes
    this.#reader = new PbfReader(bytes)
    this.#finder = finder
    this.#request = request
    this.#samples = samples
    this.#terms = terms
  }

  /** As 1.0 has it. */
  read(): DecodedWrite {
    const reader = this.#reader
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field === 1) this.#readSeries(messageEnd(reader, this.#bytes.length))
      // Skipped, it would be a request without samples, and answered as if they were written.
      else if (field === 5) throw new WriteError('malformed', 'it is one of 2.0, sent as 1.0')
    }
    return this.#finish()
  }

  /** As 2.0 has it: all texts stand before the first series. */
  readWithSymbols(): DecodedWrite {
    const reader = this.#reader
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field === 4) {
        const end = messageEnd(reader, this.#bytes.length)
        this.#symbols.push(reader.pos, end)
        reader.pos = end
      } else if (field === 5) this.#readSeriesWithSymbols(messageEnd(reader, this.#bytes.length))
      else if (field === 1) throw new WriteError('malformed', 'it is one of 1.0, sent as 2.0')
    }
    if (this.#symbols.length > 0 && this.#symbols[0] !== this.#symbols[1])
      throw new WriteError('malformed', 'its first symbol is not empty')
    return this.#finish()
  }

  #finish(): DecodedWrite {
    if (this.#reader.pos !== this.#bytes.length) throw new WriteError('malformed', 'it ends within a field')
    const columns = { series: this.#series, ends: this.#ends, samples: this.#samples }
    return {
      ...(this.#isUnordered ? inOrder(columns) : columns),
      left: this.#left,
      undecided: this.#undecided,
      firstProblem: this.#firstProblem,
      histograms: this.#histograms,
      exemplars: this.#exemplars,
    }
  }

  /** One TimeSeries message; a sender may spread a series over several. */
  #readSeries(end: number): void {
    const reader = this.#reader
    const start = this.#beginSeries()
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
      else if (field === 3) this.#exemplars++
      else if (field === 4) this.#readHistogram(messageEnd(reader, end))
    }
    if (reader.pos !== end) throw new WriteError('malformed', 'a series does not end where it should')
    this.#takeOrLeave(start, () => this.#finder.find(before, this.#bytes, runStart, runEnd))
  }

  #readSeriesWithSymbols(end: number): void {
    const reader = this.#reader
    const start = this.#beginSeries()
    let labelEnd = 0
    let name: number | undefined
    let problem: string | undefined
    for (let field = reader.nextField(end); field !== 0; field = reader.nextField(end)) {
      if (field === 1) {
        // Packed or one by one: a reader has to take both.
        const refsEnd = reader.type === bytesType ? messageEnd(reader, end) : reader.pos + 1
        while (reader.pos < refsEnd) {
          const ref = reader.readVarint()
          if (2 * ref >= this.#symbols.length) problem = 'a label that refers to no symbol'
          else if (name === undefined) name = ref
          else {
            labelEnd = this.#writeLabel(name, ref, labelEnd)
            name = undefined
          }
        }
      } else if (field === 2) this.#readSample(messageEnd(reader, end))
      else if (field === 3) this.#readHistogram(messageEnd(reader, end))
      else if (field === 4) this.#exemplars++
    }
    if (reader.pos !== end) throw new WriteError('malformed', 'a series does not end where it should')
    this.#takeOrLeave(start, () => {
      if (name !== undefined) problem ??= 'a label name without a value'
      if (labelEnd === 0) problem ??= 'a series without a metric name'
      if (problem) throw new LabelProblem(problem)
      return this.#finder.find(labelTag, labelScratch, 1, labelEnd)
    })
  }

  /** A label as 1.0 has it, behind those before it; returns where it ends. */
  #writeLabel(name: number, value: number, at: number): number {
    const [nameStart, nameEnd] = [this.#symbols[2 * name]!, this.#symbols[2 * name + 1]!]
    const [valueStart, valueEnd] = [this.#symbols[2 * value]!, this.#symbols[2 * value + 1]!]
    const nameBytes = nameEnd - nameStart
    const valueBytes = valueEnd - valueStart
    const length = 2 + varintBytes(nameBytes) + nameBytes + varintBytes(valueBytes) + valueBytes
    if (at + length + 10 > labelScratch.length) {
      if (labelScratch.length > 2 * labelBytesMax) throw new WriteError('malformed', `labels of more than ${labelBytesMax} bytes`)
      labelScratch = Buffer.concat([labelScratch], 2 * (at + length + 10))
    }
    let to = writeTagged(0x0a, length, at)
    to = writeTagged(0x0a, nameBytes, to)
    to += this.#bytes.copy(labelScratch, to, nameStart, nameEnd)
    to = writeTagged(0x12, valueBytes, to)
    return to + this.#bytes.copy(labelScratch, to, valueStart, valueEnd)
  }

  /** Returns the place of its first sample. */
  #beginSeries(): number {
    this.#before.nonFinite = this.#left.not_finite
    this.#before.histograms = this.#histograms
    this.#before.exemplars = this.#exemplars
    return this.#samples.length
  }

  /** The samples from `start` on are those of the series that is found; all that it brought is left out when its labels are no good. */
  #takeOrLeave(start: number, find: () => KnownSeries): void {
    try {
      const known = find()
      const reason = this.#reasonToLeave(known)
      if (reason === undefined) this.#take(known, start)
      else if (reason === 'series_limit')
        this.#refuse(start, reason, 'more active series than the limit; those that are known go on')
      else {
        if (reason !== 'undecided') this.#left[reason] += this.#samples.length - start
        this.#samples.length = start
      }
    } catch (error) {
      if (!(error instanceof LabelProblem)) throw error
      this.#refuse(start, error.reason, error.message)
    }
  }

  /** undefined: the series is taken. */
  #reasonToLeave(known: KnownSeries): 'relabelled' | 'duplicate' | 'undecided' | 'series_limit' | undefined {
    if (known.identity === undefined) return 'relabelled'
    if (known.replica !== undefined) {
      if (known.replica !== this.#replica) this.#ask(known.replica)
      if (!this.#isElected) return this.#isElected === undefined ? 'undecided' : 'duplicate'
    }
    const limit = this.#terms.seriesLimit
    if (limit === undefined || known.pass === limit.pass) return undefined
    if (!limit.admit(known.identity)) return 'series_limit'
    known.pass = limit.pass
    return undefined
  }

  #ask(replica: SendingReplica): void {
    this.#replica = replica
    this.#isElected = this.#terms.isElected(replica)
    if (this.#isElected === undefined) this.#undecided.push(replica)
  }

  #refuse(start: number, reason: LeftReason, problem: string): void {
    this.#left[reason] += this.#samples.length - start + this.#left.not_finite - this.#before.nonFinite
    this.#samples.length = start
    this.#left.not_finite = this.#before.nonFinite
    this.#histograms = this.#before.histograms
    this.#exemplars = this.#before.exemplars
    this.#firstProblem ??= problem
  }

  #readHistogram(end: number): void {
    const problem = histogramProblem(this.#reader, end)
    if (this.#reader.pos !== end) throw new WriteError('malformed', 'a histogram does not end where it should')
    if (problem) this.#firstProblem ??= problem
    else this.#histograms++
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
      this.#left.invalid++
      this.#firstProblem ??= 'a timestamp beyond all dates'
    } else if (flag === 0 && !Number.isFinite(value)) this.#left.not_finite++
    else this.#samples.push(timestampMs, flag === 0 ? value : 0, flag)
  }

  /** The samples from `start` on are those of this series. */
  #take(known: KnownSeries, start: number): void {
    const { timestampsMs, length } = this.#samples
    if (length === start) return
    if (known.request === this.#request) this.#isUnordered = true
    for (let i = start + 1; i < length; i++) if (timestampsMs[i]! <= timestampsMs[i - 1]!) this.#isUnordered = true
    known.request = this.#request
    this.#series.push(known.identity!)
    this.#ends.push(length)
  }
}

/** Labels of a series of 2.0 as 1.0 has them. */
let labelScratch: Buffer = Buffer.allocUnsafe(4096)

function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = value; rest > 0x7f; rest >>>= 7) bytes++
  return bytes
}

/** A tag and a length; returns where they end. */
function writeTagged(tag: number, length: number, at: number): number {
  labelScratch[at] = tag
  let to = at + 1
  let rest = length
  for (; rest > 0x7f; rest >>>= 7) labelScratch[to++] = (rest & 0x7f) | 0x80
  labelScratch[to++] = rest
  return to
}

type WrittenColumns = Pick<DecodedWrite, 'series' | 'ends' | 'samples'>

/** Each series once, with rising timestamps; of several samples at one time the first counts, as in Prometheus. */
function inOrder({ series, ends, samples }: WrittenColumns): WrittenColumns {
  const places = new Map<SeriesIdentity, number[]>()
  series.forEach((identity, i) => {
    const known = places.get(identity) ?? []
    for (let at = ends[i - 1] ?? 0; at < ends[i]!; at++) known.push(at)
    places.set(identity, known)
  })
  const ordered = new SampleColumns()
  const orderedEnds: number[] = []
  for (const known of places.values()) {
    known.sort((a, b) => samples.timestampsMs[a]! - samples.timestampsMs[b]! || a - b)
    known.forEach((at, i) => {
      if (i === 0 || samples.timestampsMs[at] !== samples.timestampsMs[known[i - 1]!]) ordered.append(samples, at, at + 1)
    })
    orderedEnds.push(ordered.length)
  }
  return { series: [...places.keys()], ends: orderedEnds, samples: ordered }
}
