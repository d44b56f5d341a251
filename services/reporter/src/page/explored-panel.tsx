/** One series of an evaluation: its chart, and whether Lapwing watches it or how it would. */
import { useState } from 'preact/hooks'
import type { ExploredAnswer, ExploredSeries } from '../api-model.ts'
import { Breakable } from './breakable.tsx'
import { Chart } from './chart.tsx'
import { Copyable } from './copyable.tsx'
import { type Change, select, type Zoom } from './model.ts'
import { queryYaml } from './promql-text.ts'
import { StateBadge } from './state-badge.tsx'

interface ExploredPanelProperties {
  explored: ExploredSeries
  answer: ExploredAnswer
  nowMs: number
  change: Change
}

export function ExploredPanel({ explored, answer, nowMs, change }: ExploredPanelProperties) {
  const [zoom, setZoom] = useState<Zoom>()
  const { series, points, episodes, drift } = explored
  return (
    <section class="panel wide" aria-label={series.text}>
      <div class="title">
        <h2>
          <Breakable text={series.text} />
        </h2>
        <StateBadge series={series} nowMs={nowMs} />
        {series.reason !== 'none' && <small>because of {series.reason}</small>}
      </div>
      {explored.isWatched ? (
        <p class="muted">
          Lapwing watches this series.{' '}
          <button type="button" class="link" onClick={() => change((now) => ({ ...select(now, series.key), view: 'series' }))}>
            Open it
          </button>
        </p>
      ) : (
        <NotWatched answer={answer} episodes={episodes.length} />
      )}
      <Chart
        detail={{ series, points, anomalies: episodes, drift }}
        visible={zoom ?? { fromMs: answer.fromMs, toMs: answer.toMs }}
        openedId={undefined}
        nowMs={nowMs}
        onZoom={setZoom}
      />
      {!explored.isWatched && !answer.isConfigured && (
        <>
          <p>To be told of it, add this to your queries:</p>
          <Copyable text={queryYaml(answer.promql)} label="Entry for the configuration" />
        </>
      )}
    </section>
  )
}

function NotWatched({ answer: { stepMs, isConfigured }, episodes }: { answer: ExploredAnswer; episodes: number }) {
  const told = episodes === 0 ? 'no episode' : episodes === 1 ? 'one episode' : `${episodes} episodes`
  return (
    <p class="muted">
      {isConfigured
        ? 'Not among the scored series, although the expression is one of your queries: it may be too new, its labels may be changed on the way, and a counter is watched as its rate.'
        : 'Not watched.'}{' '}
      What you see was scored for this view by the detector with the settings in force, as if polled every {stepMs / 1000} s:{' '}
      {told} in this time.
    </p>
  )
}
