/** Instead of an empty page: what is being waited for, and how samples get here. */
import type { Overview } from '../api-model.ts'

export function Waiting({ overview }: { overview: Overview | undefined }) {
  return (
    <section class="waiting">
      <svg viewBox="0 0 240 60" aria-hidden="true">
        <path class="ghost" d="M0 44h52l14-10 12 14 10-6h20l9-4 8 6 10-36 10 40 8-6h18l12-8 10 10h47" />
      </svg>
      <h1>Nothing to show yet</h1>
      <ul>
        {(overview?.waitingFor ?? ['asking the reporter']).map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      <p>Series appear here as soon as the first samples have been scored. To feed Lapwing, either</p>
      <dl>
        <dt>let it poll</dt>
        <dd>
          set <code>prometheus_url</code> and <code>metrics</code> in its configuration, or start it with{' '}
          <code>PROMETHEUS_URL</code>
        </dd>
        <dt>or push</dt>
        <dd>
          point Prometheus' <code>remote_write</code> at the ingestor, path <code>/api/v1/write</code>
        </dd>
      </dl>
    </section>
  )
}
