/** The HTTP face every service has: `/livez`, `/readyz`, `/metrics`, and a landing page with links to them. */
import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance, LogController } from 'fastify'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Health } from './health.ts'

export interface HttpOptions {
  readonly registry: Registry
  readonly health: Health
  readonly logger: Logger
}

/** Largest body taken where a route sets no limit of its own. */
const bodyLimitBytes = 1024 * 1024

/** The time a client has for its whole request: a slow sender must not hold a connection for ever. */
const requestTimeoutMs = 30_000

export function createHttp({ registry, health, logger }: HttpOptions): FastifyInstance {
  const http = Fastify({
    loggerInstance: logger.child({ component: 'http' }, { level: 'warn' }),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: true,
    clientErrorHandler: endConnection,
  }) as unknown as FastifyInstance

  http.get('/livez', () => ({ status: 'alive' }))
  http.get('/readyz', (_request, reply) => {
    const failing = health.failing()
    return reply.code(failing.length === 0 ? 200 : 503).send({ status: failing.length === 0 ? 'ready' : 'not ready', failing })
  })
  http.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  return http
}

/**
 * A connection on which no whole request came in time is closed without a word. Node's answer, 408, may cross with a request that
 * the client has just sent on a connection it had kept in reserve: the client takes it for the answer, and a Prometheus drops
 * samples that are answered 4xx. A connection that closes is tried again.
 */
function endConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' || error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
  else {
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request'
    socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`)
  }
}

/** `/` for a service that has no page of its own. */
export function addLandingPage(http: FastifyInstance, service: string): void {
  const items = links.map(([path, text]) => `<li><a href="${path}">${path}</a> ${text}</li>`).join('')
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>lapwing ${service}</title><h1>lapwing ${service}</h1><ul>${items}</ul></html>`
  http.get('/', (_request, reply) => reply.type('text/html; charset=utf-8').send(page))
}

const links = [
  ['/livez', 'is the process alive'],
  ['/readyz', 'is it ready, and if not, why'],
  ['/metrics', 'its metrics for Prometheus'],
] as const
