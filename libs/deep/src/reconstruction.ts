/**
 * How far a window is from what a model makes of it, by channel and in all.
 *
 * The error of a channel is the root mean square over the rows of the window; that of the window is the plain mean over channels.
 * Squaring over channels too was rejected: one channel that goes far off then drowns all that follows in the others (measured
 * on SMD with principal components of 10 rows: VUS-PR .71 squared, .77 like this).
 */
export interface Reconstructor {
  /** Numbers in a window: rows x channels. */
  readonly width: number
  /** Reads `count` windows from `windows`, one behind the other, and writes what the model makes of each to `out`. */
  reconstruct(windows: Float32Array, count: number, out: Float32Array): void
}

/** Writes the errors of the channels of one window to `errors` and returns their mean. */
export function windowError(
  windows: Float32Array,
  rebuilt: Float32Array,
  at: number,
  width: number,
  errors: Float64Array,
): number {
  const channels = errors.length
  errors.fill(0)
  for (let row = at; row < at + width; row += channels) {
    for (let channel = 0; channel < channels; channel++) {
      const distance = windows[row + channel]! - rebuilt[row + channel]!
      errors[channel] = errors[channel]! + distance * distance
    }
  }
  const rows = width / channels
  let sum = 0
  for (let channel = 0; channel < channels; channel++) {
    errors[channel] = Math.sqrt(errors[channel]! / rows)
    sum += errors[channel]!
  }
  return sum / channels
}
