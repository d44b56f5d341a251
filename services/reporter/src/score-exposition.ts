/**
 * Newest score and expected band of each series in Prometheus' text format, at `/metrics/scores`: so that one alert rule, a Grafana
 * panel or another system can use them as it uses any metric.
 *
 * Labels are those of the series, so their number is bounded here and nowhere else: of more series than the limit those with the
 * smallest keys are shown, which are the same ones on every replica and after every restart. Written by hand because the client
 * library wants one list of label names for all series of a metric.
 */
import type { FastifyInstance } from 'fastify'
import { Gauge, type Registry } from 'prom-client'
import { newestSlot } from './point-ring.ts'
import type { Projection, SeriesView } from './projection.ts'
import { scoreLabels } from './score-labels.ts'

export interface ScoreExposition {
  readonly text: string
  /** Series that are not in it, by reason. */
  readonly leftOut: { readonly limit: number; readonly labels: number }
}

/** Without a sample for this long, by the time of the samples, a series is not shown: Prometheus then sees it end. */
const endedAfterMs = 15 * 60_000

const families = [
  ['lapwing_anomaly_score', 'scores', 'Newest score of the series; above 1 is anomalous.'],
  ['lapwing_expected_value', 'expected', 'What the newest sample was expected to be, in the unit of the series.'],
  ['lapwing_expected_lower', 'lower', 'Lower end of the expected band, in the unit of the series.'],
  ['lapwing_expected_upper', 'upper', 'Upper end of the expected band, in the unit of the series.'],
] as const

export function addScoreExposition(http: FastifyInstance, registry: Registry, projection: Projection, maxSeries: number): void {
  http.get('/metrics/scores', (_request, reply) => {
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(scoreExposition(projection, maxSeries).text)
  })
  new Gauge({
    name: 'lapwing_score_series_left_out',
    help: 'Series that are not at /metrics/scores, by reason: beyond score_metrics_max_series, or labels that are one in the text format.',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      const { leftOut } = scoreExposition(projection, maxSeries)
      for (const [reason, count] of Object.entries(leftOut)) this.set({ reason }, count)
    },
  })
}

export function scoreExposition(projection: Projection, maxSeries: number): ScoreExposition {
  const current = [...projection.series.values()].filter((view) => isCurrent(view, projection.newestMs))
  const chosen = current.sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, maxSeries)
  const labelled = chosen.map((view) => ({ view, labels: labelsText(view) }))
  const shown = labelled.filter(({ labels }) => labels !== undefined)
  const text = families.map(([name, column, help]) => {
    const lines = shown.flatMap(({ view, labels }) => {
      const value = view.points.columns[column][newestSlot(view.points)!]!
      return Number.isNaN(value) ? [] : [`${name}{${labels}} ${numberText(value)}\n`]
    })
    return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`
  })
  return {
    text: text.join(''),
    leftOut: { limit: current.length - chosen.length, labels: chosen.length - shown.length },
  }
}

function isCurrent({ points }: SeriesView, newestMs: number | undefined): boolean {
  const slot = newestSlot(points)
  return slot !== undefined && newestMs !== undefined && newestMs - points.columns.timestampsMs[slot]! <= endedAfterMs
}

function labelsText(view: SeriesView): string | undefined {
  const labels = scoreLabels(view.labels, view)
  return labels && [...labels].map(([name, value]) => `${name}="${escaped(value)}"`).join(',')
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))
}

function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : '-Inf'
}
