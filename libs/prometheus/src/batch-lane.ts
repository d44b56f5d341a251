/**
 * The samples of one partition on their way into records, gathered from as many requests as come.
 *
 * A record is closed when it has grown to `recordBytesMax`, between two samples if need be; the size is an estimate from above, since the
 * labels of a series count whole although a record stores each text once. A series that comes in two requests stands in the record
 * twice, in the order in which it came.
 */
import { encode } from '@lapwing/contracts/codec'
import { bytesOf } from '@lapwing/contracts/columns'
import { buildSeriesTable, keyBytes, type SeriesIdentity } from '@lapwing/contracts/series-table'
import { type BatchOrigin, recordBytesMax } from './sample-batches.ts'
import { SampleColumns } from './sample-columns.ts'

export class BatchLane {
  readonly #origin: BatchOrigin
  readonly #closed: Buffer[] = []
  readonly #samples = new SampleColumns()
  #series: SeriesIdentity[] = []
  /** Samples of each series. */
  #counts: number[] = []
  /** Of the record that is open. */
  #bytes = bytesPerRecord
  #closedBytes = 0
  #newestMs = Number.NEGATIVE_INFINITY

  constructor(origin: BatchOrigin) {
    this.#origin = origin
  }

  /** The samples of a series with `from <= place < to`, timestamps rising. */
  add(series: SeriesIdentity, samples: SampleColumns, from: number, to: number): void {
    for (let start = from; start < to; ) {
      const room = Math.floor((recordBytesMax - this.#bytes - tableBytes(series)) / bytesPerSample)
      if (room <= 0 && this.#series.length > 0) {
        this.#close()
        continue
      }
      const end = Math.min(to, start + Math.max(room, 1))
      this.#samples.append(samples, start, end)
      this.#series.push(series)
      this.#counts.push(end - start)
      this.#bytes += tableBytes(series) + (end - start) * bytesPerSample
      this.#newestMs = Math.max(this.#newestMs, samples.timestampsMs[end - 1]!)
      start = end
    }
  }

  /** About how large the records are that were not taken yet. */
  get bytes(): number {
    return this.#closedBytes + (this.#series.length > 0 ? this.#bytes : 0)
  }

  /** Encoded SampleBatches of all that was added, which is forgotten. */
  takeRecords(): Buffer[] {
    if (this.#series.length > 0) this.#close()
    this.#closedBytes = 0
    return this.#closed.splice(0)
  }

  #close(): void {
    const { timestampsMs, values, flags, length } = this.#samples
    this.#closed.push(
      encode('SampleBatch', {
        ...this.#origin,
        newestMs: this.#newestMs,
        series: buildSeriesTable(this.#series),
        samplesPerSeries: bytesOf(Uint32Array.from(this.#counts)),
        timestampsMs: bytesOf(timestampsMs.subarray(0, length)),
        values: bytesOf(values.subarray(0, length)),
        flags: bytesOf(flags.subarray(0, length)),
      }),
    )
    this.#closedBytes += this.#closed.at(-1)!.length
    this.#samples.clear()
    this.#series = []
    this.#counts = []
    this.#bytes = bytesPerRecord
    this.#newestMs = Number.NEGATIVE_INFINITY
  }
}

/** All that there is of once a record, by far. */
const bytesPerRecord = 300
/** Timestamp and value of 8 bytes each, one byte of flags. */
const bytesPerSample = 17
/** Both keys, the start of the labels, the number of samples. */
const bytesPerSeries = 2 * keyBytes + 4 + 4
/** Number and start of a symbol. */
const bytesPerText = 8

function tableBytes({ texts, textBytes }: SeriesIdentity): number {
  return bytesPerSeries + texts.length * bytesPerText + textBytes
}
