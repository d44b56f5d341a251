/** Where a value stands against its band, in one line of text: `──────┤·······●`, or `●··├──────`. */

const width = 20

/** Empty when a number is not finite, or there is nothing to show: band and value are one point. */
export function bandGauge(value: number, lower: number, upper: number): string {
  const from = Math.min(value, lower)
  const span = Math.max(value, upper) - from
  if (!(span > 0) || !Number.isFinite(span) || !(lower <= upper)) return ''
  const cellOf = (at: number) => Math.round(((at - from) / span) * (width - 1))
  const cells: string[] = Array.from({ length: width }, (_, cell) => (cell >= cellOf(lower) && cell <= cellOf(upper) ? '─' : '·'))
  if (value > upper) cells[cellOf(upper)] = '┤'
  if (value < lower) cells[cellOf(lower)] = '├'
  cells[cellOf(value)] = '●'
  return cells.join('')
}
