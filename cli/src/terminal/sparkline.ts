/** A series as a line of block characters: each the mean of its share of the time, between the least and the largest of them. */

const blocks = '▁▂▃▄▅▆▇█'

export interface Sampled {
  readonly length: number
  /** Rising; the first `length` elements count. */
  readonly timestampsMs: ArrayLike<number>
  readonly values: ArrayLike<number>
}

/** `width` characters; a blank where there was no sample. A series that does not move is drawn at the bottom. */
export function sparkline(
  { length, timestampsMs, values }: Sampled,
  { fromMs, toMs, width }: { fromMs: number; toMs: number; width: number },
): string {
  const sums = new Float64Array(width)
  const counts = new Float64Array(width)
  for (let i = 0; i < length; i++) {
    const at = Math.min(width - 1, Math.floor(((timestampsMs[i]! - fromMs) / (toMs - fromMs)) * width))
    if (at < 0 || !Number.isFinite(values[i]!)) continue
    sums[at]! += values[i]!
    counts[at]!++
  }
  const means = Array.from(sums, (sum, i) => sum / counts[i]!)
  const least = Math.min(...means.filter(Number.isFinite))
  const largest = Math.max(...means.filter(Number.isFinite))
  const height = largest > least ? (blocks.length - 1) / (largest - least) : 0
  return means.map((mean) => (Number.isFinite(mean) ? blocks[Math.round((mean - least) * height)] : ' ')).join('')
}
