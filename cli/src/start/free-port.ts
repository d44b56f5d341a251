/** Ports that are free now. Between the look and the use somebody else may take one; whoever listens then reports it. */
import { createServer } from 'node:net'

/** `preferred` when it is free, else any. */
export async function freePort(host: string, preferred: number): Promise<number> {
  return (await listenOnce(host, preferred)) ?? ((await listenOnce(host, 0)) as number)
}

function listenOnce(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, host, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined))
    })
  })
}
