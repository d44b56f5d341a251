/** States, reasons and flags as they stand in score batches: the number of a name is its place, so names are only ever added. */

export const seriesStates = [
  'warming',
  'ok',
  'anomalous',
  'sparse',
  'silent',
  'dropped',
  'suppressed',
  'warming_from_cohort',
] as const
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
  'trend',
  'resets',
  'multivariate',
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
 * @param detail share of the warm-up (0..1) for `warming` and `warming_from_cohort`, share of gaps for `sparse`, milliseconds since the epoch for `silent`;
 *   for `suppressed` the same, the end of the verdict, or 0 when it holds for good
 */
export function stateText(state: SeriesState, detail: number): string {
  if (state === 'warming') return `warming ${Math.floor(detail * 100)} %`
  if (state === 'sparse') return `sparse (${Math.round(detail * 100)} % gaps)`
  if (state === 'silent') return `silent since ${new Date(detail).toISOString()}`
  if (state === 'dropped') return 'dropped (series limit)'
  if (state === 'warming_from_cohort') return `warming (from cohort) ${Math.floor(detail * 100)} %`
  if (state === 'suppressed')
    return `anomalous, as expected ${detail > 0 ? `until ${new Date(detail).toISOString()}` : 'by a verdict'}`
  return state
}
