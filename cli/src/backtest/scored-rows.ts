/** Every judged sample as a row of CSV. */
import type { Backtest } from './backtest.ts'
import type { ScoreTrace } from './score-traces.ts'
import { toldEpisodes } from './told-episodes.ts'

const header = 'series,timestamp,value,anomaly_score,lower,upper,in_episode\n'

/** `in_episode` is 1 from the record that opens an episode to the one that resolves it. */
export function scoredRows({ traces, anomalies, simulated }: Backtest): string {
  const episodes = toldEpisodes(anomalies, simulated)
  const rows = traces.map((trace) => {
    const own = episodes.filter(({ series }) => series === trace.text)
    const inEpisode = (atMs: number) =>
      own.some((one) => atMs >= one.openedAtMs && atMs < (one.endedAtMs ?? Number.POSITIVE_INFINITY))
    return Array.from({ length: trace.length }, (_, i) => rowOf(trace, i, inEpisode)).join('')
  })
  return header + rows.join('')
}

function rowOf(
  { text, timestampsMs, values, scores, lower, upper }: ScoreTrace,
  i: number,
  inEpisode: (atMs: number) => boolean,
): string {
  const numbers = [values[i]!, scores[i]!, lower[i]!, upper[i]!].map((value) =>
    Number.isFinite(value) ? String(Number(value.toPrecision(7))) : '',
  )
  const series = `"${text.replaceAll('"', '""')}"`
  return `${[series, new Date(timestampsMs[i]!).toISOString(), ...numbers, inEpisode(timestampsMs[i]!) ? 1 : 0].join(',')}\n`
}
