/**
 * Samples as columns that grow and are used again, so that a sample on its way through costs no object.
 *
 * Columns that grew far beyond what is usual are let go when they are cleared.
 */
export class SampleColumns {
  length = 0
  /** Milliseconds since the epoch; as the other columns, valid up to `length`. */
  timestampsMs = new Float64Array(initialSamples)
  /** Finite; 0 where the stale flag is set. */
  values = new Float64Array(initialSamples)
  /** `sampleFlags` of each sample. */
  flags = new Uint8Array(initialSamples)

  push(timestampMs: number, value: number, flags: number): void {
    const at = this.length
    if (at === this.flags.length) this.#grow(at + 1)
    this.timestampsMs[at] = timestampMs
    this.values[at] = value
    this.flags[at] = flags
    this.length = at + 1
  }

  /** The samples of `other` with `from <= place < to`. */
  append(other: SampleColumns, from: number, to: number): void {
    const at = this.length
    if (at + to - from > this.flags.length) this.#grow(at + to - from)
    // Element by element: `set` costs more than the copy when a series brings one sample, as it mostly does.
    for (let i = from, j = at; i < to; i++, j++) {
      this.timestampsMs[j] = other.timestampsMs[i]!
      this.values[j] = other.values[i]!
      this.flags[j] = other.flags[i]!
    }
    this.length = at + to - from
  }

  clear(): void {
    this.length = 0
    if (this.flags.length > keptSamples) this.#resize(initialSamples)
  }

  #grow(needed: number): void {
    this.#resize(Math.max(needed, 2 * this.flags.length))
  }

  #resize(capacity: number): void {
    const { timestampsMs, values, flags, length } = this
    this.timestampsMs = new Float64Array(capacity)
    this.values = new Float64Array(capacity)
    this.flags = new Uint8Array(capacity)
    this.timestampsMs.set(timestampsMs.subarray(0, length))
    this.values.set(values.subarray(0, length))
    this.flags.set(flags.subarray(0, length))
  }
}

const initialSamples = 1024
const keptSamples = 16_384
