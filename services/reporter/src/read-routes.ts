/** Routes that read the projection and the history, and the live events. */
import type { PodMemory } from '@lapwing/alerting/pod-context'
import { z } from 'zod'
import type { Overview } from './api-model.ts'
import {
  anomalyDetailSchema,
  anomalySchema,
  modelsSchema,
  overviewSchema,
  precisionSchema,
  problemSchema,
  seriesDetailSchema,
  seriesListSchema,
  settingsSchema,
} from './api-model.ts'
import {
  anomalyListQuery,
  anomalyParameters,
  noQuery,
  precisionQuery,
  seriesDetailQuery,
  seriesKeyParameters,
  seriesListQuery,
} from './api-queries.ts'
import { type Api, noSuchAnomaly, notFound } from './api-scope.ts'
import type { HistoryStore } from './history-store.ts'
import type { LiveFeed } from './live-feed.ts'
import type { ModelVersions } from './model-versions.ts'
import type { Projection } from './projection.ts'
import type { SettingsBook } from './settings-book.ts'
import {
  anomalyStep,
  anomalyView,
  driftOf,
  driftRequests,
  pointsAfter,
  precisionView,
  seriesList,
  seriesSummary,
} from './views.ts'

export interface ReadSources {
  readonly projection: Projection
  readonly history: HistoryStore
  readonly feed: LiveFeed
  overview(): Promise<Overview>
  now(): number
  readonly models: ModelVersions
  readonly settings: SettingsBook
  /** What happened to pods. */
  readonly pods: Pick<PodMemory, 'contextOf'>
}

export function addReadRoutes(api: Api, sources: ReadSources): void {
  addSeriesRoutes(api, sources)
  addAnomalyRoutes(api, sources)
  const { feed, overview, models, projection, settings } = sources
  const overviewRoute = {
    tags: ['pipeline'],
    summary: 'State of the whole pipeline',
    querystring: noQuery,
    response: { 200: overviewSchema },
  }
  api.get('/overview', { schema: overviewRoute }, () => overview())

  const modelsRoute = {
    tags: ['models'],
    summary: 'Versions of models, and requests for retraining',
    querystring: noQuery,
    response: { 200: modelsSchema },
  }
  api.get('/models', { schema: modelsRoute }, () => ({
    models: models.views(),
    nextRuns: models.nextRuns(),
    requests: driftRequests(projection),
  }))

  const settingsRoute = {
    tags: ['pipeline'],
    summary: 'Settings in force in every process, without secrets',
    querystring: noQuery,
    response: { 200: settingsSchema },
  }
  api.get('/settings', { schema: settingsRoute }, () => {
    return { processes: settings.inForce(sources.now()), missing: settings.missing(sources.now()) }
  })

  const eventsRoute = {
    tags: ['pipeline'],
    summary: 'Live events: overview, series, anomaly (text/event-stream)',
    querystring: noQuery,
    response: { 503: problemSchema },
  }
  api.get('/events', { schema: eventsRoute }, async (_request, reply) => {
    const headers = Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]))
    if (feed.connect(reply.raw, headers)) return reply.hijack()
    return reply.code(503).header('retry-after', '10').send({ error: 'too many live clients' })
  })
}

function addSeriesRoutes(api: Api, { projection, history }: ReadSources): void {
  const list = {
    tags: ['series'],
    summary: 'Series, the most anomalous first',
    querystring: seriesListQuery,
    response: { 200: seriesListSchema },
  }
  api.get('/series', { schema: list }, ({ query }) => seriesList(projection, query))

  const one = {
    tags: ['series'],
    summary: 'One series with its newest points, its anomalies and its drift',
    params: seriesKeyParameters,
    querystring: seriesDetailQuery,
    response: { 200: seriesDetailSchema, 404: problemSchema },
  }
  api.get('/series/:key', { schema: one }, async ({ params: { key }, query }, reply) => {
    const view = projection.series.get(key)
    if (!view) return notFound(reply, 'no such series; it may have ended, or not fit below max_series')
    const episodes = await history.episodes({ seriesKey: key, limit: anomaliesPerSeries })
    return {
      series: seriesSummary(view, projection),
      model: view.model,
      points: pointsAfter(view, query.after ?? Number.NEGATIVE_INFINITY),
      anomalies: episodes.map(anomalyView),
      drift: driftOf(projection, key),
    }
  })
}

function addAnomalyRoutes(api: Api, { history, pods, now }: ReadSources): void {
  const list = {
    tags: ['anomalies'],
    summary: 'Anomalies, newest first',
    querystring: anomalyListQuery,
    response: { 200: z.array(anomalySchema) },
  }
  api.get('/anomalies', { schema: list }, async ({ query: { state, from, to, series, limit } }) =>
    (await history.episodes({ state, fromMs: from, toMs: to, seriesKey: series, limit })).map(anomalyView),
  )

  const one = {
    tags: ['anomalies'],
    summary: 'One anomaly with its records in order',
    params: anomalyParameters,
    response: { 200: anomalyDetailSchema, 404: problemSchema },
  }
  api.get('/anomalies/:episodeId', { schema: one }, async ({ params: { episodeId } }, reply) => {
    const [found] = await history.episodes({ ids: [episodeId], limit: 1 })
    if (!found) return noSuchAnomaly(reply)
    const anomaly = anomalyView(found)
    const labels = anomaly.labels.map(([name, value]) => ({ name, value }))
    return { anomaly, steps: (await history.steps(episodeId)).map(anomalyStep), pods: pods.contextOf([{ ...anomaly, labels }]) }
  })

  const precision = {
    tags: ['anomalies'],
    summary: 'How often people found that they had been told rightly',
    querystring: precisionQuery,
    response: { 200: precisionSchema },
  }
  api.get('/precision', { schema: precision }, async ({ query }) => {
    const fromMs = query.from ?? now() - weekMs
    return precisionView(fromMs, await history.verdictCounts(fromMs))
  })
}

const weekMs = 7 * 86_400_000
const anomaliesPerSeries = 200
