/**
 * The HTTP API below `/api/v1`: its routes, who may use them, and the OpenAPI document that says so at `/api/v1/openapi.json`.
 *
 * Errors are `{ error }`: 400 what is refused, 401 and 403 who is, 404 what is unknown, 503 while the history or the log does not answer.
 */
import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { LogError } from '@lapwing/stream/errors'
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify'
import { hasZodFastifySchemaValidationErrors, jsonSchemaTransform } from 'fastify-type-provider-zod'
import { type Access, refuse } from './access.ts'
import { withSchemas } from './api-scope.ts'
import { addExploreRoutes } from './explore/explore-routes.ts'
import type { Explorer } from './explore/explorer.ts'
import { addExportRoutes } from './export-routes.ts'
import { HistoryUnavailable } from './history-store.ts'
import { addMuteRoutes } from './mute-routes.ts'
import { addReadRoutes, type ReadSources } from './read-routes.ts'
import { SearchProblem } from './series-search.ts'
import { addWriteRoutes, type WriteTargets } from './write-routes.ts'

export interface ApiSources extends ReadSources, WriteTargets {
  readonly access: Access
  readonly explorer: Explorer
}

export async function addApi(http: FastifyInstance, sources: ApiSources): Promise<void> {
  await http.register(swagger, { openapi: document, hideUntagged: true, transform: jsonSchemaTransform })
  await http.register(
    async (scope) => {
      const api = withSchemas(scope)
      api.setErrorHandler((error: FastifyError, _request, reply) => answerError(error, reply))
      api.addHook('onRequest', async (request, reply) => {
        const { isOpen, scope: use } = request.routeOptions.config
        const checked = isOpen ? undefined : sources.access.check(request, use ?? (request.method === 'GET' ? 'read' : 'write'))
        if (checked && 'why' in checked) return refuse(reply, checked)
        return undefined
      })
      addReadRoutes(api, sources)
      addExportRoutes(api, sources.history)
      addWriteRoutes(api, sources)
      addMuteRoutes(api, sources)
      addExploreRoutes(api, sources.explorer, sources.now)
      api.get('/openapi.json', { config: { isOpen: true } }, () => http.swagger())
    },
    { prefix: '/api/v1' },
  )
}

function answerError(error: FastifyError, reply: FastifyReply): FastifyReply {
  if (hasZodFastifySchemaValidationErrors(error)) {
    const problems = error.validation.map(({ instancePath, message }) => {
      return [...instancePath.split('/').filter(Boolean), message].join(': ')
    })
    return reply.code(400).send({ error: problems.join('; ') })
  }
  if (error instanceof SearchProblem) return reply.code(400).send({ error: `search: ${error.message}` })
  if (error instanceof HistoryUnavailable) return later(reply, 'the history does not answer at the moment')
  if (error instanceof LogError) return later(reply, `the log did not take it: ${error.message}`)
  const status = error.statusCode ?? 500
  if (status >= 500) reply.log.error({ err: error }, 'a request failed')
  return reply.code(status).send({ error: status >= 500 ? 'an error of the service; its log says more' : error.message })
}

function later(reply: FastifyReply, error: string): FastifyReply {
  return reply.code(503).header('retry-after', '5').send({ error })
}

const document: FastifyDynamicSwaggerOptions['openapi'] = {
  openapi: '3.1.0',
  info: {
    title: 'Lapwing reporter',
    version: '1',
    description: 'Series, anomalies, models and verdicts. Times are milliseconds since the epoch; null where there is no number.',
  },
  components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  security: [{ token: [] }, {}],
}
