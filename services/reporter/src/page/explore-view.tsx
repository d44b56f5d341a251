/** Any PromQL: what Prometheus gives, and what Lapwing makes of it, whether the series is watched or only tried out for this view. */
import { useEffect, useState } from 'preact/hooks'
import type { ExploredAnswer } from '../api-model.ts'
import { ExploredPanel } from './explored-panel.tsx'
import { type Change, type Exploration, evaluated, longestPromql, type PageState, type SpanName, spans } from './model.ts'
import { underlined } from './promql-text.ts'
import { StateBadge } from './state-badge.tsx'
import { WithoutPrometheus } from './without-prometheus.tsx'

interface ExploreProperties {
  state: PageState
  nowMs: number
  change: Change
}

export function ExploreView({ state, nowMs, change }: ExploreProperties) {
  const { exploration, overview } = state
  return (
    <main class="view">
      <h1 class="hidden">Explore</h1>
      {overview?.explorer ? (
        <WithoutPrometheus why={overview.explorer} state={state} change={change} />
      ) : (
        <Expression state={state} change={change} />
      )}
      {exploration?.kind === 'answer' && exploration.answer.series.length > 0 && (
        <Found key={exploration.answer.promql} answer={exploration.answer} nowMs={nowMs} change={change} />
      )}
    </main>
  )
}

function Expression({ state, change }: Pick<ExploreProperties, 'state' | 'change'>) {
  const { exploration } = state
  return (
    <section class="card wide" aria-label="Expression">
      <PromqlForm state={state} change={change} />
      {exploration ? (
        <Outcome exploration={exploration} />
      ) : (
        <p class="muted">
          Prometheus evaluates the expression. Series that Lapwing watches come with their band, score and episodes; others are
          scored for this view, with the settings in force.
        </p>
      )}
    </section>
  )
}

function PromqlForm({ state, change }: Pick<ExploreProperties, 'state' | 'change'>) {
  const [text, setText] = useState(state.promql)
  useEffect(() => setText(state.promql), [state.promql])
  const evaluate = (span: SpanName) => change((now) => evaluated({ ...now, promql: text.trim(), span }))
  return (
    <form
      class="promql"
      onSubmit={(event) => {
        event.preventDefault()
        evaluate(state.span)
      }}
    >
      <textarea
        aria-label="PromQL expression"
        placeholder="rate(http_requests_total[5m])"
        rows={Math.min(8, text.split('\n').length)}
        maxLength={longestPromql}
        spellcheck={false}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey) return
          event.preventDefault()
          evaluate(state.span)
        }}
      />
      <button type="submit" class="action">
        Evaluate
      </button>
      <fieldset class="ranges">
        <legend class="hidden">Time evaluated</legend>
        {(Object.keys(spans) as SpanName[]).map((span) => (
          <button key={span} type="button" aria-pressed={state.span === span} onClick={() => evaluate(span)}>
            {span}
          </button>
        ))}
      </fieldset>
    </form>
  )
}

function Outcome({ exploration }: { exploration: Exploration }) {
  if (exploration.kind === 'running') return <p class="muted">Evaluating …</p>
  if (exploration.kind === 'answer') return <p class="muted">{summary(exploration.answer)}</p>
  const { promql, message, position } = exploration
  return (
    <div role="alert" class="refused">
      <p>{message}</p>
      {position !== undefined && <pre>{underlined(promql, position)}</pre>}
    </div>
  )
}

function summary({ total, series, stepMs }: ExploredAnswer): string {
  if (total === 0) return 'The expression is right and gives no series in this time.'
  const watched = series.filter(({ isWatched }) => isWatched).length
  const shown = total > series.length ? `the first ${series.length} of ${total} series` : `${total} series`
  return `${shown}, ${watched} watched, a point every ${stepMs / 1000} s`
}

function Found({ answer, nowMs, change }: { answer: ExploredAnswer; nowMs: number; change: Change }) {
  const [picked, setPicked] = useState(0)
  const chosen = answer.series[picked] ?? answer.series[0]!
  return (
    <>
      {answer.series.length > 1 && (
        <section class="card wide found" aria-label="Series found">
          <ul>
            {answer.series.map(({ series, isWatched, episodes }, i) => (
              <li key={series.key}>
                <button type="button" aria-current={chosen.series.key === series.key} onClick={() => setPicked(i)}>
                  <span>{series.text}</span>
                  <small>{isWatched ? 'watched' : 'tried out'}</small>
                  {episodes.length > 0 && <small class="open-count">{episodes.length} episodes</small>}
                  <StateBadge series={series} nowMs={nowMs} />
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      <ExploredPanel key={chosen.series.key} explored={chosen} answer={answer} nowMs={nowMs} change={change} />
    </>
  )
}
