/** The route of the explorer: `GET /explore`. A refusal of Prometheus is answered with its own words and the place they are about. */
import { QueryError } from '@lapwing/prometheus/query-errors'
import { exploredSchema, queryProblemSchema } from '../api-model.ts'
import { exploreQuery } from '../api-queries.ts'
import type { Api } from '../api-scope.ts'
import { type Explorer, ExplorerBusy } from './explorer.ts'
import { promqlPosition } from './promql-position.ts'

const hourMs = 3_600_000

export function addExploreRoutes(api: Api, explorer: Explorer, now: () => number): void {
  const explore = {
    tags: ['series'],
    summary: 'Evaluates PromQL over a range at the Prometheus that is polled, with what Lapwing makes of its series',
    querystring: exploreQuery,
    response: { 200: exploredSchema, 400: queryProblemSchema, 409: queryProblemSchema, 503: queryProblemSchema },
  }
  api.get('/explore', { schema: explore, config: { scope: 'evaluate' } }, async ({ query }, reply) => {
    if (explorer.unavailable) return reply.code(409).send({ error: explorer.unavailable, position: null })
    const toMs = query.to ?? now()
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    try {
      return await explorer.explore({ promql: query.query, fromMs: query.from ?? toMs - hourMs, toMs }, gone.signal)
    } catch (error) {
      if (error instanceof ExplorerBusy)
        return reply.code(503).header('retry-after', '5').send({ error: 'too many evaluations at once', position: null })
      if (gone.signal.aborted) return reply.code(503).send({ error: 'nobody waits for it any more', position: null })
      if (!(error instanceof QueryError)) throw error
      const position = promqlPosition(query.query, error.said) ?? null
      return reply.code(error.retryable ? 503 : 400).send({ error: error.said, position })
    }
  })
}
