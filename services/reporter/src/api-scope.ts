/** What the routes of the API are added to: requests are checked by their schemas, and answers are typed by them. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Use } from './access.ts'

export type Api = ReturnType<typeof withSchemas>

/** What is answered is not checked once more at run time; a test does that. */
export function withSchemas(scope: FastifyInstance) {
  scope.setValidatorCompiler(validatorCompiler)
  scope.setSerializerCompiler(() => JSON.stringify)
  return scope.withTypeProvider<ZodTypeProvider>()
}

export function notFound(reply: FastifyReply, error: string): FastifyReply {
  return reply.code(404).send({ error })
}

/** As told by every route that is about one anomaly. */
export function noSuchAnomaly(reply: FastifyReply): FastifyReply {
  return notFound(reply, 'no such anomaly; it may be older than the retention')
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** No token is needed. */
    isOpen?: boolean
    /** What the route does, where its method does not tell. */
    scope?: Use
  }
}
