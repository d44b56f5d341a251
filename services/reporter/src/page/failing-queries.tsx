/** Polled queries that bring nothing: which, what Prometheus says, since when, and where it stands what to do. */
import type { QueryTrouble } from '../api-model.ts'
import { formatDuration, formatTime } from './format.ts'

export function FailingQueries({ troubles, nowMs }: { troubles: readonly QueryTrouble[]; nowMs: number }) {
  if (troubles.length === 0) return null
  return (
    <section class="card wide" aria-labelledby="failing-title">
      <h2 id="failing-title">
        Queries that fail <span class="open-count">{troubles.length}</span>
      </h2>
      <ul class="failing">
        {byMessage(troubles).map(({ message, failing }) => (
          <li key={message}>
            <p>{message}</p>
            <ul>
              {failing.slice(0, queriesShown).map(({ id, promql, sinceMs }) => (
                <li key={id}>
                  <code>{promql}</code>{' '}
                  <small>
                    since {formatTime(sinceMs, nowMs)} ({formatDuration(nowMs - sinceMs)})
                  </small>
                </li>
              ))}
              {failing.length > queriesShown && <li class="muted">and {failing.length - queriesShown} more queries</li>}
            </ul>
          </li>
        ))}
      </ul>
      <p class="muted">
        Their series are not scored meanwhile. They are tried again by themselves. <a href={runbook}>What to do</a>
      </p>
    </section>
  )
}

const queriesShown = 8
const runbook = '/runbooks/LapwingQueryFailing.md'

/** A Prometheus that is away fails all queries, and is one thing to read. */
function byMessage(troubles: readonly QueryTrouble[]): { readonly message: string; readonly failing: readonly QueryTrouble[] }[] {
  const messages = new Set(troubles.map(({ message }) => message))
  return [...messages].map((message) => ({ message, failing: troubles.filter((trouble) => trouble.message === message) }))
}
