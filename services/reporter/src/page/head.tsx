/** The head of the page: is it live, how old are the samples, how many series are in which state, what is missing. */
import { type SeriesState, seriesStates } from '@lapwing/contracts/series-state'
import type { Overview } from '../api-model.ts'
import { formatDuration } from './format.ts'
import type { Change, PageState, StateFilter } from './model.ts'
import { Nav } from './nav.tsx'

export function Head({ state, change, onHome }: { state: PageState; change: Change; onHome: () => void }) {
  const { overview, connection, stateFilter } = state
  const goHome = (event: Event) => {
    event.preventDefault()
    onHome()
  }
  return (
    <header class="head">
      <a class="brand" href="/" onClick={goHome}>
        <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
          <path d="M2 15h4l3-4 3 6 3.5-14L19 15h3" />
        </svg>
        Lapwing
      </a>
      <Nav state={state} change={change} />
      <span class={`connection ${connection}`}>
        <i class="dot" />
        {connectionTexts[connection]}
      </span>
      {overview && <Freshness overview={overview} />}
      {overview && state.view === 'series' && (
        <StateCounts
          overview={overview}
          filter={stateFilter}
          onFilter={(filter) => change((now) => ({ ...now, stateFilter: filter }))}
        />
      )}
      {overview && overview.series.shown > 0 && overview.waitingFor.length > 0 && (
        <p class="notice">{overview.waitingFor.join(' · ')}</p>
      )}
    </header>
  )
}

const connectionTexts = { connecting: 'connecting', live: 'live', lost: 'connection lost, trying again' } as const

function Freshness({ overview }: { overview: Overview }) {
  const { lagSeconds, log, sources } = overview
  const age = lagSeconds === null ? 'no samples yet' : `newest sample ${formatDuration(lagSeconds * 1000)} old`
  return (
    <span class="freshness" title={`log: ${log}; sources: ${sources.join(', ') || 'none yet'}`}>
      {age}
      <small>{log} log</small>
    </span>
  )
}

interface StateCountsProperties {
  overview: Overview
  filter: StateFilter | undefined
  onFilter: (filter: StateFilter | undefined) => void
}

function StateCounts({ overview, filter, onFilter }: StateCountsProperties) {
  const { shown, ended, notShown, byState } = overview.series
  return (
    <nav class="counts" aria-label="Series by state">
      <button type="button" aria-pressed={filter === undefined} onClick={() => onFilter(undefined)}>
        <b>{shown}</b> series
      </button>
      {seriesStates
        .filter((state) => byState[state] > 0 || state === filter || state === 'anomalous')
        .toSorted((a, b) => displayOrder.indexOf(a) - displayOrder.indexOf(b))
        .map((state) => (
          <button
            key={state}
            type="button"
            class={state}
            aria-pressed={filter === state}
            onClick={() => onFilter(filter === state ? undefined : state)}
          >
            <i class="dot" />
            <b>{byState[state]}</b> {state.replaceAll('_', ' ')}
          </button>
        ))}
      {(ended > 0 || filter === 'ended') && (
        <button
          type="button"
          class="ended"
          aria-pressed={filter === 'ended'}
          onClick={() => onFilter(filter === 'ended' ? undefined : 'ended')}
        >
          <b>{ended}</b> ended
        </button>
      )}
      {notShown > 0 && <span class="not-shown">{notShown} more not shown (max_series)</span>}
    </nav>
  )
}

const displayOrder: readonly SeriesState[] = [
  'anomalous',
  'suppressed',
  'ok',
  'warming',
  'warming_from_cohort',
  'sparse',
  'silent',
  'dropped',
]
