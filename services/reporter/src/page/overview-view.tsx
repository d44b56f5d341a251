/** How it stands: what is wrong now, machine by machine, how often it was right to tell, how far behind, how many series in which state. */
import { seriesStates } from '@lapwing/contracts/series-state'
import type { AnomalyView, Overview, Precision } from '../api-model.ts'
import { Breakable } from './breakable.tsx'
import { FailingQueries } from './failing-queries.tsx'
import { formatDuration, formatTime } from './format.ts'
import { type Incident, incidents } from './incidents.ts'
import type { PageState } from './model.ts'
import { MuteList } from './mute-list.tsx'
import { isUnusualEnd, words } from './outcome.tsx'

interface OverviewProperties {
  state: PageState
  nowMs: number
  onAnomaly: (anomaly: AnomalyView) => void
}

export function OverviewView({ state, nowMs, onAnomaly }: OverviewProperties) {
  const { overview, precision } = state
  return (
    <main class="view overview">
      <h1 class="hidden">Overview</h1>
      {overview && <FailingQueries troubles={overview.troubles} nowMs={nowMs} />}
      <Incidents open={state.openAnomalies} nowMs={nowMs} onAnomaly={onAnomaly} />
      <Lately anomalies={state.anomalies} nowMs={nowMs} onAnomaly={onAnomaly} />
      <section class="card" aria-labelledby="precision-title">
        <h2 id="precision-title">Precision this week</h2>
        {precision && <PrecisionFigure precision={precision} />}
      </section>
      <section class="card" aria-labelledby="pipeline-title">
        <h2 id="pipeline-title">Pipeline</h2>
        {overview && <Pipeline overview={overview} />}
      </section>
      <section class="card" aria-labelledby="states-title">
        <h2 id="states-title">Series by state</h2>
        {overview && <States overview={overview} />}
      </section>
      {state.mutes.length > 0 && (
        <section class="card" aria-labelledby="mutes-title">
          <h2 id="mutes-title">Muted here</h2>
          <MuteList mutes={state.mutes} nowMs={nowMs} />
        </section>
      )}
      <section class="card" aria-labelledby="export-title">
        <h2 id="export-title">Take along</h2>
        <p>
          All anomalies of the retention: <a href="/api/v1/export/anomalies?format=csv">CSV</a>{' '}
          <a href="/api/v1/export/anomalies?format=json">JSON</a>
        </p>
        <p class="muted">
          The same over HTTP, described by <a href="/api/v1/openapi.json">OpenAPI</a>. Metrics for Prometheus:{' '}
          <a href="/metrics">/metrics</a>, scores and bands: <a href="/metrics/scores">/metrics/scores</a>.
        </p>
      </section>
    </main>
  )
}

function Incidents({
  open,
  nowMs,
  onAnomaly,
}: {
  open: readonly AnomalyView[]
  nowMs: number
  onAnomaly: (anomaly: AnomalyView) => void
}) {
  const now = incidents(open)
  return (
    <section class="card wide" aria-labelledby="incidents-title">
      <h2 id="incidents-title">
        Incidents now <span class={now.length > 0 ? 'open-count' : 'muted'}>{now.length === 0 ? 'none' : now.length}</span>
      </h2>
      {now.length === 0 ? (
        <p class="muted">Every series is as expected, or learning.</p>
      ) : (
        <ul class="incidents">
          {now.map((incident) => (
            <li key={incident.entityKey}>
              <IncidentRow incident={incident} nowMs={nowMs} onAnomaly={onAnomaly} />
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

/** What ended last: after an incident the overview must not look as if there had been none. */
function Lately({
  anomalies,
  nowMs,
  onAnomaly,
}: {
  anomalies: readonly AnomalyView[]
  nowMs: number
  onAnomaly: (anomaly: AnomalyView) => void
}) {
  const ended = anomalies.filter(({ state }) => state === 'resolved').slice(0, endedShown)
  if (ended.length === 0) return null
  return (
    <section class="card wide" aria-labelledby="lately-title">
      <h2 id="lately-title">Ended lately</h2>
      <ul class="lately">
        {ended.map((anomaly) => (
          <li key={anomaly.episodeId}>
            <span class="time">{formatTime(anomaly.startedAtMs, nowMs)}</span>{' '}
            <span class={`severity ${anomaly.severity}`}>{anomaly.severity}</span>{' '}
            <button type="button" class="link" title={anomaly.text} onClick={() => onAnomaly(anomaly)}>
              <Breakable text={anomaly.metric || anomaly.text} />
            </button>{' '}
            <small>
              {labelsOf(anomaly)} · {anomaly.reasons[0]?.name} · lasted{' '}
              {formatDuration((anomaly.endedAtMs ?? anomaly.observedAtMs) - anomaly.startedAtMs)}
              {isUnusualEnd(anomaly) && ` · ${words(anomaly.endReason)}`}
            </small>
          </li>
        ))}
      </ul>
    </section>
  )
}

const endedShown = 5

function labelsOf({ labels }: AnomalyView): string {
  const own = labels.filter(([name]) => name !== '__name__')
  return own.map(([, value]) => value).join(' · ')
}

function IncidentRow({
  incident,
  nowMs,
  onAnomaly,
}: {
  incident: Incident
  nowMs: number
  onAnomaly: (anomaly: AnomalyView) => void
}) {
  const { name, severity, sinceMs, anomalies, isTold } = incident
  return (
    <>
      <p>
        <span class={`severity ${severity}`}>{severity}</span> <b>{name}</b>{' '}
        <small>
          since {formatTime(sinceMs, nowMs)} ({formatDuration(nowMs - sinceMs)}) ·{' '}
          {isTold ? 'people were told' : 'nobody was told'}
        </small>
      </p>
      <ul>
        {anomalies.slice(0, seriesShown).map((anomaly) => (
          <li key={anomaly.episodeId}>
            <button type="button" class="link" onClick={() => onAnomaly(anomaly)}>
              <Breakable text={anomaly.metric || anomaly.text} />
            </button>{' '}
            <small>{anomaly.reasons[0]?.name}</small>
          </li>
        ))}
        {anomalies.length > seriesShown && <li class="muted">and {anomalies.length - seriesShown} more series</li>}
      </ul>
    </>
  )
}

const seriesShown = 8

function PrecisionFigure({ precision: { precision, judged, counts } }: { precision: Precision }) {
  const said = Object.entries(counts).filter(([, count]) => count > 0)
  return (
    <>
      <p class="figure">{precision === null ? '–' : `${Math.round(precision * 100)} %`}</p>
      <p class="muted">
        {judged === 0
          ? 'Nobody has said yet whether it was right to tell. Open an anomaly and say so: a press of a button.'
          : `of ${judged} anomalies that people judged, the share that was real.`}
      </p>
      <ul class="said-counts">
        {said.map(([verdict, count]) => (
          <li key={verdict}>
            <b>{count}</b> {verdict.replaceAll('_', ' ')}
          </li>
        ))}
      </ul>
    </>
  )
}

function Pipeline({ overview }: { overview: Overview }) {
  const { lagSeconds, behindRecords, log, waitingFor } = overview
  const promqlOf = new Map(overview.queries.map(({ id, promql }) => [id, promql]))
  // Without a name it can only be of a query that was polled before; where no query is known, the ids are all there is.
  const isEarlier = (source: string) => promqlOf.size > 0 && source.startsWith('query-') && !promqlOf.has(source)
  const sources = overview.sources.filter((source) => !isEarlier(source)).map((source) => promqlOf.get(source) ?? source)
  const earlier = overview.sources.length - sources.length
  return (
    <>
      <p class="figure">{lagSeconds === null ? '–' : formatDuration(lagSeconds * 1000)}</p>
      <p class="muted">from the newest sample to now.</p>
      <ul>
        <li>{waitingFor.length === 0 ? 'nothing is missing' : <span class="notice">{waitingFor.join(' · ')}</span>}</li>
        <li>
          <b>{behindRecords}</b> {behindRecords === 1 ? 'record' : 'records'} still to be read from the {log} log
        </li>
        <li>
          sources: {sources.length === 0 ? 'none yet' : sources.slice(0, 5).join(', ')}
          {sources.length > 5 && ` and ${sources.length - 5} more`}
          {earlier > 0 && `, and ${earlier} polled earlier`}
        </li>
      </ul>
    </>
  )
}

function States({ overview: { series } }: { overview: Overview }) {
  const most = Math.max(1, series.shown)
  return (
    <ul class="states">
      {seriesStates
        .filter((state) => series.byState[state] > 0)
        .map((state) => (
          <li key={state}>
            <a href={`/?state=${state}`}>{state.replaceAll('_', ' ')}</a>
            <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
              <rect class={state} width={(100 * series.byState[state]) / most} height="8" />
            </svg>
            <b>{series.byState[state]}</b>
          </li>
        ))}
      {series.ended > 0 && (
        <li>
          <a href="/?state=ended">ended</a>
          <span class="muted" title="Nothing has come of them for an hour">
            for an hour or more
          </span>
          <b>{series.ended}</b>
        </li>
      )}
      {series.notShown > 0 && <li class="notice">{series.notShown} more are beyond max_series and not shown</li>}
    </ul>
  )
}
