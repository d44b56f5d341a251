/** Where each service will listen: its configured port, or another when that one is taken, which is said. */
import { createServer } from 'node:net'
import { type AllConfig, watchesPods } from './all-config.ts'
import type { Say } from './say.ts'

const services = ['ingestor', 'detector', 'trainer', 'drift', 'alerter', 'reporter'] as const

/** Settings (`--set`) that put every service on a port that is free now, and tell the alerter where the page is. */
export async function portSettings(config: AllConfig, say: Say): Promise<string[]> {
  const { host } = config.http
  const settings: string[] = []
  for (const service of watchesPods(config) ? [...services, 'pods' as const] : services) {
    const wanted = config[service].port
    const port = (await listenOnce(host, wanted)) ?? (await listenOnce(host, 0))
    if (port !== wanted && wanted !== 0) say(service, `port ${wanted} is taken, using ${port}`)
    settings.push(`${service}.port=${port}`)
    if (service === 'reporter' && port !== wanted) settings.push(`alerter.page_url=http://${host}:${port}`)
  }
  return settings
}

/** The port, when it could be listened on; between this look and its use somebody else may take it, and then the service says so. */
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
