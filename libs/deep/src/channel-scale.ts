/**
 * Brings channels of different units to one scale: distance from the mean of the training rows in standard deviations.
 *
 * A channel that hardly moved in training would make every later stir gigantic, so the standard deviation has a floor: 1 % of
 * the channel's range, or of its level where it was constant. A channel that was always zero has no unit to go by and gets
 * `unknownUnit`. Blind to slow drift of a channel: it is scaled as it was in training.
 */
import type { Rows } from './rows.ts'

export interface ChannelScale {
  readonly means: Float64Array
  /** Never zero. */
  readonly deviations: Float64Array
}

/** Rows as networks see them: no unit, nothing missing. A window is a slice, because its rows stand one behind the other. */
export interface ScaledRows {
  readonly channels: number
  readonly count: number
  readonly values: Float32Array
}

const floorShare = 0.01
const unknownUnit = 0.01

export function fitChannelScale({ channels, count, values }: Rows): ChannelScale {
  const means = new Float64Array(channels)
  const deviations = new Float64Array(channels)
  for (let channel = 0; channel < channels; channel++) {
    let observed = 0
    let mean = 0
    let squares = 0
    let least = Number.POSITIVE_INFINITY
    let greatest = Number.NEGATIVE_INFINITY
    for (let row = 0; row < count; row++) {
      const value = values[row * channels + channel]!
      if (!Number.isFinite(value)) continue
      observed++
      const distance = value - mean
      mean += distance / observed
      squares += distance * (value - mean)
      if (value < least) least = value
      if (value > greatest) greatest = value
    }
    const floor = observed === 0 ? unknownUnit : floorShare * (greatest - least || Math.abs(mean)) || unknownUnit
    means[channel] = mean
    deviations[channel] = Math.max(observed > 0 ? Math.sqrt(squares / observed) : 0, floor)
  }
  return { means, deviations }
}

/** Missing values repeat the row before; before the first value of a channel stands its mean. */
export function scaleRows(rows: Rows, scale: ChannelScale): ScaledRows {
  const values = new Float32Array(rows.count * rows.channels)
  for (let row = 0; row < rows.count; row++) scaleRow(rows.values, row * rows.channels, scale, values, row * rows.channels)
  return { channels: rows.channels, count: rows.count, values }
}

/** One row of `raw` from `from` on into `scaled` at `at`; the row before stands before it there. Returns the observed share. */
export function scaleRow(raw: Float64Array, from: number, scale: ChannelScale, scaled: Float32Array, at: number): number {
  const channels = scale.means.length
  let observed = 0
  for (let channel = 0; channel < channels; channel++) {
    const value = raw[from + channel]!
    if (Number.isFinite(value)) {
      observed++
      scaled[at + channel] = (value - scale.means[channel]!) / scale.deviations[channel]!
    } else {
      scaled[at + channel] = at >= channels ? scaled[at - channels + channel]! : 0
    }
  }
  return observed / channels
}
