/** The state of a series in words, with its colour: never the colour alone. */
import type { SeriesSummary } from '../api-model.ts'
import { formatTime } from './format.ts'

export function StateBadge({ series, nowMs }: { series: SeriesSummary; nowMs: number }) {
  const { state, stateDetail } = series
  const text = state === 'silent' && stateDetail ? `silent since ${formatTime(stateDetail, nowMs)}` : series.stateText
  if (series.hasEnded) {
    return (
      <span class="state ended">
        <i class="dot" />
        ended, last sample {formatTime(series.atMs, nowMs)}
      </span>
    )
  }
  return (
    <span class={`state ${state}`}>
      <i class="dot" />
      {text}
    </span>
  )
}
