/** The HTTP API below `/api/v1`: reads of the projection and the history, and the live events. Bodies are in `api-model.ts`. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { z } from 'zod'
import type { AnomalyDetail, AnomalyView, Overview, SeriesDetail, SeriesList } from './api-model.ts'
import {
  anomalyListQuery,
  anomalyParameters,
  noQuery,
  problemText,
  seriesDetailQuery,
  seriesKeyParameters,
  seriesListQuery,
} from './api-queries.ts'
import type { HistoryStore } from './history-store.ts'
import type { LiveFeed } from './live-feed.ts'
import type { Projection } from './projection.ts'
import { anomalyStep, anomalyView, driftOf, pointsAfter, seriesList, seriesSummary } from './views.ts'

export interface ApiSources {
  readonly projection: Projection
  readonly history: HistoryStore
  readonly feed: LiveFeed
  overview(): Promise<Overview>
}

/** Routes answer `{ error }` with 400 for a query that is refused and 404 for what is unknown. */
export function addApi(http: FastifyInstance, { projection, history, feed, overview }: ApiSources): void {
  http.get('/api/v1/overview', async (request, reply) => {
    const query = accepted(noQuery, request.query, reply)
    return query ? await overview() : reply
  })

  http.get('/api/v1/series', (request, reply): SeriesList | FastifyReply => {
    const query = accepted(seriesListQuery, request.query, reply)
    return query ? seriesList(projection, query) : reply
  })

  http.get('/api/v1/series/:key', async (request, reply): Promise<SeriesDetail | FastifyReply> => {
    const parameters = accepted(seriesKeyParameters, request.params, reply)
    const query = parameters && accepted(seriesDetailQuery, request.query, reply)
    if (!parameters || !query) return reply
    const { key } = parameters
    const view = projection.series.get(key)
    if (!view) return notFound(reply, 'no such series; it may have ended, or not fit below max_series')
    const episodes = await history.episodes({ seriesKey: key, limit: anomaliesPerSeries })
    return {
      series: seriesSummary(view),
      model: view.model,
      points: pointsAfter(view, query.after ?? Number.NEGATIVE_INFINITY),
      anomalies: episodes.map(anomalyView),
      drift: driftOf(projection, key),
    }
  })

  http.get('/api/v1/anomalies', async (request, reply): Promise<readonly AnomalyView[] | FastifyReply> => {
    const query = accepted(anomalyListQuery, request.query, reply)
    if (!query) return reply
    const { state, from, series, limit } = query
    return (await history.episodes({ state, fromMs: from, seriesKey: series, limit })).map(anomalyView)
  })

  http.get('/api/v1/anomalies/:episodeId', async (request, reply): Promise<AnomalyDetail | FastifyReply> => {
    const parameters = accepted(anomalyParameters, request.params, reply)
    if (!parameters) return reply
    const [found] = await history.episodes({ ids: [parameters.episodeId], limit: 1 })
    if (!found) return notFound(reply, 'no such anomaly; it may be older than the retention')
    return { anomaly: anomalyView(found), steps: (await history.steps(parameters.episodeId)).map(anomalyStep) }
  })

  http.get('/api/v1/events', (_request, reply) => {
    const headers = Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]))
    if (!feed.connect(reply.raw, headers))
      return reply.code(503).header('retry-after', '10').send({ error: 'too many live clients' })
    return reply.hijack()
  })
}

const anomaliesPerSeries = 200

/** undefined when it was refused, and the reply has been sent. */
function accepted<Schema extends z.ZodType>(schema: Schema, value: unknown, reply: FastifyReply): z.output<Schema> | undefined {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  reply.code(400).send({ error: problemText(result.error) })
  return undefined
}

function notFound(reply: FastifyReply, error: string): FastifyReply {
  return reply.code(404).send({ error })
}
