/**
 * Why an episode ended, as everything that tells of episodes says it: the page, its API, exports, reports, the command line.
 *
 * `endReason` of the record is empty for the two usual ends, which its value tells apart: a series that is normal again has one, and one that is gone,
 * by a staleness marker or because nothing came of it for too long, has none.
 */
import type { Anomaly } from './records.ts'

/** `normal_again`, `series_gone`, or the `endReason` of the record (`began_anew`); empty while it has not ended. */
export function episodeEnd({ state, endReason, value }: Pick<Anomaly, 'state' | 'endReason' | 'value'>): string {
  if (state !== 'resolved') return ''
  if (endReason) return endReason
  return Number.isNaN(value) ? 'series_gone' : 'normal_again'
}

const texts: Readonly<Record<string, string>> = {
  normal_again: 'the series was normal again',
  series_gone: 'the series went away',
  began_anew: 'its detector began anew, so nobody knows whether the series was normal again',
  superseded: 'the next episode of the series had begun',
}

/** For a person: `the series went away`; the reason in words where it is none of those that are known, empty where there is none. */
export function endText(end: string): string {
  return Object.hasOwn(texts, end) ? texts[end]! : end.replaceAll('_', ' ')
}
