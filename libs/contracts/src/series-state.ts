/** States, reasons and flags as they stand in score batches: the number of a name is its place, so names are only ever added. */

export const seriesStates = ['warming', 'ok', 'anomalous', 'sparse', 'silent', 'dropped'] as const
export type SeriesState = (typeof seriesStates)[number]

/** Contributions to a score. `none`: nothing stands out. */
export const reasonNames = [
  'none',
  'level',
  'spike',
  'season',
  'flatline',
  'silence',
  'change',
  'volatility',
  'isolation',
  'novelty',
] as const
export type ReasonName = (typeof reasonNames)[number]

export const sampleFlags = {
  /** The value was filled in from its neighbours. */
  imputed: 1,
  /** Prometheus' staleness marker: the series ended; there is no value. */
  stale: 2,
} as const

/**
 * A state with its number, for a person: `warming 62 %`.
 *
 * @param detail share of the warm-up (0..1) for `warming`, share of gaps for `sparse`, milliseconds since the epoch for `silent`
 */
export function stateText(state: SeriesState, detail: number): string {
  if (state === 'warming') return `warming ${Math.floor(detail * 100)} %`
  if (state === 'sparse') return `sparse (${Math.round(detail * 100)} % gaps)`
  if (state === 'silent') return `silent since ${new Date(detail).toISOString()}`
  if (state === 'dropped') return 'dropped (series limit)'
  return state
}
