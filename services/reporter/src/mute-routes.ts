/** Mutes that people give and take back on the page. They take effect where the alerter reads them, within about a second. */
import { matchersText } from '@lapwing/alerting/matcher'
import type { Mute } from '@lapwing/contracts/records'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { givenMuteSchema, liftSchema, type MuteView, muteSchema, problemSchema } from './api-model.ts'
import { anomalyParameters, muteParameters, noQuery } from './api-queries.ts'
import { type Api, noSuchAnomaly, notFound } from './api-scope.ts'
import { holdsFor, isInForce } from './mute-book.ts'
import { authorOf, type WriteTargets } from './write-routes.ts'

export function addMuteRoutes(api: Api, { history, access, writer, mutes, now }: WriteTargets): void {
  const list = {
    tags: ['mutes'],
    summary: 'Mutes in force that were given here; those of the file of mutes and silences of Alertmanager are not among them',
    querystring: noQuery,
    response: { 200: z.array(muteSchema) },
  }
  api.get('/mutes', { schema: list }, () => mutes.inForce(now()).map(muteView))

  const ofAnomaly = {
    tags: ['mutes'],
    summary: 'Those of them that hold for the series of an anomaly',
    params: anomalyParameters,
    querystring: noQuery,
    response: { 200: z.array(muteSchema), 404: problemSchema },
  }
  api.get('/anomalies/:episodeId/mutes', { schema: ofAnomaly }, async ({ params: { episodeId } }, reply) => {
    const [found] = await history.episodes({ ids: [episodeId], limit: 1 })
    if (!found) return noSuchAnomaly(reply)
    return mutes
      .inForce(now())
      .filter((mute) => holdsFor(mute, found.episode))
      .map(muteView)
  })

  const give = {
    tags: ['mutes'],
    summary: 'Mute the series of an anomaly for a while',
    params: anomalyParameters,
    body: givenMuteSchema,
    response: { 202: muteSchema, 404: problemSchema },
  }
  const author = (request: FastifyRequest, said: string | undefined) => said ?? authorOf(access, request)
  api.post('/anomalies/:episodeId/mute', { schema: give }, async (request, reply) => {
    const { params, body } = request
    const [found] = await history.episodes({ ids: [params.episodeId], limit: 1 })
    if (!found) return noSuchAnomaly(reply)
    const mute = await writer.mute(found.episode, { ...body, author: author(request, body.author) })
    return reply.code(202).send(muteView(mute))
  })

  const lift = {
    tags: ['mutes'],
    summary: 'Take a mute back',
    params: muteParameters,
    body: liftSchema,
    response: { 202: muteSchema, 404: problemSchema, 409: problemSchema },
  }
  api.post('/mutes/:id/lift', { schema: lift }, async (request, reply) => {
    const known = mutes.find(request.params.id)
    if (!known) return notFound(reply, 'no such mute')
    if (!isInForce(known, now())) return reply.code(409).send({ error: 'the mute is over: there is nothing to take back' })
    return reply.code(202).send(muteView(await writer.lift(known, author(request, request.body.author))))
  })
}

function muteView({ id, matchers, author, comment, atMs, endsAtMs, liftedBy }: Mute): MuteView {
  return { id, text: matchersText(matchers), author, comment, atMs, endsAtMs, liftedBy }
}
