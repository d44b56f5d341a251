/** Routes that write: what a person says of an anomaly, and the token of the page. */

import type { FastifyRequest } from 'fastify'
import { type Access, refuse, tokenCookie } from './access.ts'
import {
  askedSchema,
  givenVerdictSchema,
  modelChangeSchema,
  problemSchema,
  sessionSchema,
  writtenVerdictSchema,
} from './api-model.ts'
import { anomalyParameters, modelParameters } from './api-queries.ts'
import { type Api, noSuchAnomaly, notFound } from './api-scope.ts'
import type { HistoryStore } from './history-store.ts'
import type { ModelVersions } from './model-versions.ts'
import type { MuteBook } from './mute-book.ts'
import { type RecordWriter, refusalOf } from './record-writer.ts'
import { judgementView } from './views.ts'

export interface WriteTargets {
  readonly history: HistoryStore
  readonly access: Access
  readonly writer: RecordWriter
  readonly models: ModelVersions
  readonly mutes: MuteBook
  now(): number
}

export function addWriteRoutes(api: Api, { history, access, writer, models }: WriteTargets): void {
  const verdict = {
    tags: ['anomalies'],
    summary: 'Say what an anomaly was, or take it back with undone',
    params: anomalyParameters,
    body: givenVerdictSchema,
    response: { 202: writtenVerdictSchema, 404: problemSchema, 409: problemSchema },
  }
  api.post('/anomalies/:episodeId/verdict', { schema: verdict }, async (request, reply) => {
    const { params, body } = request
    const [found] = await history.episodes({ ids: [params.episodeId], limit: 1 })
    if (!found) return noSuchAnomaly(reply)
    const said = { ...body, author: body.author ?? authorOf(access, request), forMs: body.forMs }
    const refusal = refusalOf(found.episode, said)
    if (refusal) return reply.code(409).send({ error: refusal })
    const record = await writer.verdict(found.episode, said)
    return reply.code(202).send({ ...judgementView(record), id: record.id, anomalyId: record.anomalyId })
  })
  addModelRoute(api, writer, models)
  addSessionRoutes(api, access)
}

/** The trainer decides, as it does on a request from the command line: the answer says that it was asked. */
function addModelRoute(api: Api, writer: RecordWriter, models: ModelVersions): void {
  const change = {
    tags: ['models'],
    summary: 'Ask to bring a version into force, or to roll it back',
    params: modelParameters,
    body: modelChangeSchema,
    response: { 202: askedSchema, 404: problemSchema, 409: problemSchema },
  }
  api.post('/models/:modelId/change', { schema: change }, async ({ params: { modelId }, body }, reply) => {
    const found = models.find(modelId)
    if (!found) return notFound(reply, 'no such version of a model')
    const may = body.change === 'promote' ? found.view.mayPromote : found.view.mayRollBack
    if (!may) return reply.code(409).send({ error: `${modelId} is ${found.view.state}: ${body.change} would change nothing` })
    const { id } = await writer.modelChange({ kind: body.change, modelId, partition: found.partition, reason: body.reason })
    return reply.code(202).send({ id })
  })
}

/** The page cannot send a header with its live events: it hands its token in once and gets a cookie that no script can read. */
function addSessionRoutes(api: Api, access: Access): void {
  const begin = { tags: ['session'], summary: 'Take a token for the page, kept in a cookie', body: sessionSchema }
  api.post('/session', { schema: begin, config: { isOpen: true } }, async ({ body }, reply) => {
    if (!access.find(body.token)) return refuse(reply, { status: 401, why: 'the token is not known' })
    return reply
      .header('set-cookie', `${tokenCookie}=${encodeURIComponent(body.token)}; ${cookieAttributes}`)
      .code(204)
      .send()
  })
  const end = { tags: ['session'], summary: 'Forget the token' }
  api.delete('/session', { schema: end, config: { isOpen: true } }, (_request, reply) => {
    return reply.header('set-cookie', `${tokenCookie}=; Max-Age=0; ${cookieAttributes}`).code(204).send()
  })
}

const cookieAttributes = 'HttpOnly; SameSite=Strict; Path=/api'

/** The name of the token that writes; without tokens nobody is known by name. */
export function authorOf(access: Access, request: FastifyRequest): string {
  const checked = access.check(request, 'write')
  return ('name' in checked && checked.name) || 'page'
}
