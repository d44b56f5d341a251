/**
 * The history as CSV (RFC 4180) or JSON, a portion at a time: memory does not depend on how much there is.
 *
 * Portions are read behind the last episode of the one before, so no database cursor and no transaction stays open while a slow client reads.
 */
import type { AnomalyView } from './api-model.ts'
import { numberCell, textCell, timeCell } from './csv-rows.ts'
import type { EpisodeQuery, HistoryStore } from './history-store.ts'
import { anomalyView } from './views.ts'

export type ExportFormat = 'csv' | 'json'

const portionRows = 1000

/** Texts of portions. Rejects when the history does. */
export async function* exportAnomalies(
  history: HistoryStore,
  query: Omit<EpisodeQuery, 'limit' | 'after'>,
  format: ExportFormat,
): AsyncGenerator<string> {
  let after: EpisodeQuery['after']
  let written = 0
  yield format === 'csv' ? exportHeader : '['
  for (;;) {
    const portion = await history.episodes({ ...query, after, limit: portionRows })
    const views = portion.map(anomalyView)
    if (format === 'csv') yield views.map(exportRow).join('')
    else yield views.map((view, i) => `${written + i === 0 ? '' : ','}\n${JSON.stringify(view)}`).join('')
    written += portion.length
    if (portion.length < portionRows) break
    after = portion.at(-1)!.episode
  }
  if (format === 'json') yield '\n]\n'
}

export const exportHeader =
  'started,ended,series,state,severity,value,expected,lower,upper,score,peak_score,confidence,reasons,source,model,verdict,author,delivered,episode,end_reason\n'

export function exportRow(view: AnomalyView): string {
  const { value, expected, lower, upper, score, peakScore, confidence, judgement, notifications } = view
  const delivered = new Set(notifications.filter(({ outcome }) => outcome === 'delivered').map(({ receiver }) => receiver))
  const cells = [
    timeCell(view.startedAtMs),
    view.endedAtMs === null ? '' : timeCell(view.endedAtMs),
    textCell(view.text),
    view.state,
    view.severity,
    ...[value, expected, lower, upper, score, peakScore, confidence].map((number) => numberCell(number ?? Number.NaN)),
    textCell(view.reasons.map(({ name, share }) => `${name} ${share.toFixed(2)}`).join('; ')),
    textCell(view.source),
    textCell(view.model),
    judgement?.verdict ?? '',
    textCell(judgement?.author ?? ''),
    textCell([...delivered].join('; ')),
    textCell(view.episodeId),
    textCell(view.endReason),
  ]
  return `${cells.join(',')}\n`
}
