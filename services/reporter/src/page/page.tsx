/** The whole page: head, and the view that is shown. Every text from outside is a text node, never markup. */
import type { AnomalyView } from '../api-model.ts'
import { AnomalyTable } from './anomaly-table.tsx'
import { ExploreView } from './explore-view.tsx'
import { FailingQueries } from './failing-queries.tsx'
import { Head } from './head.tsx'
import { initialState, listedAnomalies, type PageState, select, toggleAnomaly } from './model.ts'
import { ModelsView } from './models-view.tsx'
import { OverviewView } from './overview-view.tsx'
import { SeriesList } from './series-list.tsx'
import { SeriesPanel } from './series-panel.tsx'
import type { Session } from './session.ts'
import { SettingsView } from './settings-view.tsx'
import { TokenForm } from './token-form.tsx'
import { Waiting } from './waiting.tsx'

interface PageProperties {
  state: PageState
  session: Session
}

export function Page({ state, session }: PageProperties) {
  const { change } = session
  const home = () =>
    change(({ connection, overview, list, anomalies }) => ({ ...initialState, connection, overview, list, anomalies }))
  return (
    <>
      <Head state={state} change={change} onHome={home} />
      {state.needsToken ? <TokenForm /> : <View state={state} session={session} />}
      <p class="hidden" role="status" aria-live="polite">
        {state.announcement}
      </p>
    </>
  )
}

function View({ state, session }: PageProperties) {
  const { change } = session
  const nowMs = state.overview?.nowMs ?? Date.now()
  const toggle = (anomaly: AnomalyView) => change((now) => toggleAnomaly(now, anomaly))
  if (state.view === 'models') return <ModelsView models={state.models} nowMs={nowMs} onChanged={session.refresh} />
  if (state.view === 'explore') return <ExploreView state={state} nowMs={nowMs} change={change} />
  if (state.view === 'settings') return <SettingsView settings={state.settings} nowMs={nowMs} />
  const isEmpty = state.overview?.series.shown === 0 && (state.list?.total ?? 0) === 0
  if (isEmpty && (state.view !== 'overview' || state.anomalies.length === 0)) {
    return (
      <main class="page empty">
        <FailingQueries troubles={state.overview?.troubles ?? []} nowMs={nowMs} />
        <Waiting overview={state.overview} />
      </main>
    )
  }
  if (state.view === 'overview') return <OverviewView state={state} nowMs={nowMs} onAnomaly={toggle} />
  return (
    <main class="page">
      <SeriesList state={state} nowMs={nowMs} change={change} onSelect={(key) => change((now) => select(now, key))} />
      <div class="content">
        <SeriesPanel state={state} nowMs={nowMs} change={change} />
        <AnomalyTable
          anomalies={listedAnomalies(state)}
          opened={state.opened}
          openedId={state.openedId}
          isMissing={state.openedId !== undefined && state.missing.episodeId === state.openedId}
          nowMs={nowMs}
          onToggle={toggle}
        />
      </div>
    </main>
  )
}
