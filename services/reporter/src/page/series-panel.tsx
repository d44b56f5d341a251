/** The selected series: its name and labels, where it stands now, and its chart. */
import type { SeriesDetail } from '../api-model.ts'
import { Breakable } from './breakable.tsx'
import { Chart } from './chart.tsx'
import { formatDuration, formatValue, unitOf } from './format.ts'
import { type Change, type PageState, type RangeName, ranges, visibleRange } from './model.ts'
import { StateBadge } from './state-badge.tsx'

export function SeriesPanel({ state, nowMs, change }: { state: PageState; nowMs: number; change: Change }) {
  const { detail, selectedKey, missing } = state
  if (selectedKey !== undefined && missing.seriesKey === selectedKey) {
    return (
      <section class="panel">
        <p class="none">
          This series is not shown: it has ended, or it is beyond max_series. Its anomalies are kept, and stand below.
        </p>
      </section>
    )
  }
  if (!detail || detail.series.key !== selectedKey) {
    return (
      <section class="panel loading" aria-busy="true">
        <p class="none">{selectedKey ? 'Reading the series.' : 'Select a series.'}</p>
      </section>
    )
  }
  const visible = visibleRange(state, detail.points)
  const oldestMs = detail.points.timestampsMs[0] ?? 0
  return (
    <section class="panel" aria-label={detail.series.text}>
      <Title detail={detail} nowMs={nowMs} />
      <div class="tools">
        <Now detail={detail} />
        <RangeButtons state={state} change={change} />
      </div>
      <Chart
        detail={detail}
        visible={visible}
        openedId={state.openedId}
        nowMs={nowMs}
        onZoom={(zoom) => change((now) => ({ ...now, zoom }))}
      />
      {visible.toMs < oldestMs && (
        <p class="notice">The points of that time are no longer kept; the oldest is {formatDuration(nowMs - oldestMs)} old.</p>
      )}
    </section>
  )
}

function Title({ detail: { series }, nowMs }: { detail: SeriesDetail; nowMs: number }) {
  return (
    <div class="title">
      <h1>
        <Breakable text={series.metric || series.text} />
      </h1>
      <StateBadge series={series} nowMs={nowMs} />
      <ul class="label-pairs" aria-label="Labels">
        {series.labels
          .filter(([name]) => name !== '__name__')
          .map(([name, value]) => (
            <li key={name}>
              <span>{name}</span>
              {value}
            </li>
          ))}
      </ul>
    </div>
  )
}

function Now({ detail: { series } }: { detail: SeriesDetail }) {
  const unit = unitOf(series.metric)
  const isWarm = series.confidence > 0
  const figures = [
    [series.hasEnded ? 'last' : 'now', formatValue(series.value, unit)],
    ['expected', isWarm ? formatValue(series.expected, unit) : 'learning'],
    ['band', isWarm ? `${formatValue(series.lower, unit)} to ${formatValue(series.upper, unit)}` : '–'],
    ['score', formatValue(series.score, '')],
    ['confidence', formatValue(series.confidence, 'ratio')],
    ['strongest reason', series.reason === 'none' ? '–' : series.reason],
  ] as const
  return (
    <dl class="now">
      {figures.map(([name, text]) => (
        <div key={name} class={name === 'score' && series.score > 1 ? 'high' : ''}>
          <dt>{name}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  )
}

function RangeButtons({ state, change }: { state: PageState; change: Change }) {
  return (
    <fieldset class="ranges">
      <legend class="hidden">Time shown</legend>
      {state.zoom && (
        <button type="button" class="reset" onClick={() => change((now) => ({ ...now, zoom: undefined }))}>
          back to live
        </button>
      )}
      {(Object.keys(ranges) as RangeName[]).map((range) => (
        <button
          key={range}
          type="button"
          aria-pressed={!state.zoom && state.range === range}
          onClick={() => change((now) => ({ ...now, range, zoom: undefined }))}
        >
          {range}
        </button>
      ))}
    </fieldset>
  )
}
