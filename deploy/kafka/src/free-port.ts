import { once } from 'node:events'
import { createServer } from 'node:net'
import { KafkaServerError } from './errors.ts'

/** A port of this machine that nobody listens on at the moment, for a server that has to be told its port. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new KafkaServerError('not_started', 'no free port')
  return address.port
}
