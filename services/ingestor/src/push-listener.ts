/**
 * A second listener for pushed samples, over TLS; health and metrics stay on the first one, where probes and scrapes expect them.
 *
 * Certificates are read anew for each connection, so that a rotated one needs no restart. One that cannot be used changes nothing: the
 * last good one stays in force, and the log says so. With an authority for clients, whoever shows no certificate of it gets no connection.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createSecureContext } from 'node:tls'
import { readableFile } from '@lapwing/service/config-fields'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { z } from 'zod'

/** `tls` of `remote_write`. */
export const pushTlsSchema = z.strictObject({
  port: z.int().min(0).max(65535).default(8443),
  cert_file: readableFile(),
  key_file: readableFile(),
  /** Authorities of clients; unset: no certificate is asked for. */
  client_ca_file: readableFile().optional(),
})
type PushTls = z.output<typeof pushTlsSchema>

export interface PushListener {
  /** The port that was taken. */
  readonly port: number
  close(): Promise<void>
}

/** Leads to the routes of `http`. Rejects when the certificate cannot be used or the port cannot be had. */
export async function startPushListener(
  http: FastifyInstance,
  host: string,
  tls: PushTls,
  logger: Logger,
): Promise<PushListener> {
  await http.ready()
  let material = materialOf(tls)
  const server = createServer(
    { ...material, requestCert: tls.client_ca_file !== undefined, rejectUnauthorized: true },
    (request, response) => http.routing(request, response),
  )
  // A slow sender must not hold a connection for ever, and is answered as on the other listener.
  server.requestTimeout = http.server.requestTimeout
  for (const listener of http.server.listeners('clientError')) server.on('clientError', listener as () => void)
  server.prependListener('connection', () => {
    material = renewed(server, tls, material, logger)
  })
  server.listen(tls.port, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  logger.info({ port }, 'taking remote write over TLS')
  return { port, close: () => closed(server) }
}

interface Material {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca?: Buffer
}

function materialOf({ cert_file, key_file, client_ca_file }: PushTls): Material {
  const ca = client_ca_file === undefined ? {} : { ca: readFileSync(client_ca_file) }
  return { cert: readFileSync(cert_file), key: readFileSync(key_file), ...ca }
}

/** What is in force for the next connection. In the middle of a rotation certificate and key may not belong together yet. */
function renewed(server: Server, tls: PushTls, before: Material, logger: Logger): Material {
  try {
    const now = materialOf(tls)
    if (sameBytes(now.cert, before.cert) && sameBytes(now.key, before.key) && sameBytes(now.ca, before.ca)) return before
    createSecureContext(now)
    server.setSecureContext(now)
    logger.info('certificate of the push listener replaced')
    return now
  } catch (error) {
    logger.warn({ err: error }, 'certificate of the push listener cannot be used; the last good one stays in force')
    return before
  }
}

function sameBytes(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === other || (one !== undefined && other !== undefined && one.equals(other))
}

async function closed(server: Server): Promise<void> {
  const done = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await done
}
