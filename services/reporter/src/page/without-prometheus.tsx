/** What there is to explore where no Prometheus answers PromQL: how to have one, and the series that come in all the same. */
import { type Change, initialState, type PageState, toAddress } from './model.ts'

/** More are found in the list of series. */
const metricsShown = 12

interface WithoutPrometheusProperties {
  /** Why PromQL cannot be evaluated. */
  why: string
  state: PageState
  change: Change
}

export function WithoutPrometheus({ why, state, change }: WithoutPrometheusProperties) {
  const metrics = metricsOf(state)
  return (
    <section class="card wide without-prometheus" aria-label="PromQL">
      <p class="notice">There is nothing to evaluate PromQL with: {why}.</p>
      <p>
        On one machine: <code>PROMETHEUS_URL=http://localhost:9090 npm start</code>. In a file: <code>prometheus_url</code>, where
        the reporter reads it too.
      </p>
      <p>
        {metrics.length === 0
          ? 'Series that are pushed or scraped appear under Series, to be found by words or by a selector.'
          : 'What comes in without a Prometheus, with band, score and anomalies; a selector narrows it down:'}
      </p>
      <ul>
        {metrics.map((metric) => (
          <li key={metric}>
            <MetricLink metric={metric} change={change} />
          </li>
        ))}
      </ul>
    </section>
  )
}

/** A link, so that it opens in another tab too. */
function MetricLink({ metric, change }: { metric: string; change: Change }) {
  const search = `${metric}{}`
  return (
    <a
      href={toAddress({ ...initialState, search })}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return
        event.preventDefault()
        change((now) => ({ ...now, view: 'series', search, stateFilter: undefined }))
      }}
    >
      {search}
    </a>
  )
}

function metricsOf({ list }: PageState): readonly string[] {
  const names = list?.series.map(({ metric }) => metric) ?? []
  return [...new Set(names)]
    .filter((name) => name !== '')
    .sort()
    .slice(0, metricsShown)
}
