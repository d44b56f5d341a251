/** The course of a metric in one line of text, with its expected band: `▂▃▂▂▃▂▂▇█`, as expected ▂ to ▃. */

const blocks = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const
/** Where there is no value. */
const gap = '·'

export interface Sparkline {
  readonly line: string
  /** The band in the same blocks; undefined when it is not known. */
  readonly band: { readonly lower: string; readonly upper: string } | undefined
}

/** From the least to the largest of values and band; undefined when there is nothing to see: fewer than two values, or all the same. */
export function sparkline(values: readonly number[], { lower, upper }: { lower: number; upper: number }): Sparkline | undefined {
  const finite = values.filter(Number.isFinite)
  const hasBand = Number.isFinite(lower) && Number.isFinite(upper)
  const all = hasBand ? [...finite, lower, upper] : finite
  const least = all.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
  const span = all.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) - least
  if (finite.length < 2 || !(span > 0) || !Number.isFinite(span)) return undefined
  const blockOf = (value: number) => blocks[Math.min(blocks.length - 1, Math.floor(((value - least) / span) * blocks.length))]!
  return {
    line: values.map((value) => (Number.isFinite(value) ? blockOf(value) : gap)).join(''),
    band: hasBand ? { lower: blockOf(lower), upper: blockOf(upper) } : undefined,
  }
}
