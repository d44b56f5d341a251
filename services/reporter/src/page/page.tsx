/** The whole page: head, list of series, the selected series, anomalies. Every text from outside is a text node, never markup. */
import type { AnomalyView } from '../api-model.ts'
import { AnomalyTable } from './anomaly-table.tsx'
import { Head } from './head.tsx'
import { type Change, initialState, type PageState, select, toggleAnomaly } from './model.ts'
import { SeriesList } from './series-list.tsx'
import { SeriesPanel } from './series-panel.tsx'
import { Waiting } from './waiting.tsx'

export function Page({ state, change }: { state: PageState; change: Change }) {
  const nowMs = state.overview?.nowMs ?? Date.now()
  const isEmpty = state.overview?.series.shown === 0 && (state.list?.total ?? 0) === 0
  const toggle = (anomaly: AnomalyView) => change((now) => toggleAnomaly(now, anomaly))
  const home = () =>
    change((now) => ({
      ...initialState,
      connection: now.connection,
      overview: now.overview,
      list: now.list,
      anomalies: now.anomalies,
    }))
  return (
    <>
      <Head state={state} change={change} onHome={home} />
      {isEmpty ? (
        <main class="page empty">
          <Waiting overview={state.overview} />
        </main>
      ) : (
        <main class="page">
          <SeriesList state={state} nowMs={nowMs} change={change} onSelect={(key) => change((now) => select(now, key))} />
          <div class="content">
            <SeriesPanel state={state} nowMs={nowMs} change={change} />
            <AnomalyTable
              anomalies={state.anomalies}
              opened={state.opened}
              openedId={state.openedId}
              nowMs={nowMs}
              onToggle={toggle}
            />
          </div>
        </main>
      )}
      <p class="hidden" role="status" aria-live="polite">
        {state.announcement}
      </p>
    </>
  )
}
