/**
 * Server-sent events to any number of pages: each event is serialised once and written to all of them.
 *
 * A client that does not read is dropped as soon as `maxBufferedBytes` wait for it; its browser connects again and reads the
 * state afresh, so nothing need be kept for it. Events have no ids and are not replayed for the same reason.
 *
 * Source: WHATWG HTML, "Server-sent events".
 */
import type { ServerResponse } from 'node:http'
import type { LiveEvents } from './api-model.ts'

export interface LiveFeedOptions {
  readonly maxClients: number
  readonly maxBufferedBytes: number
  onDropped(): void
}

export interface LiveFeed {
  /** Takes over the response; false when there are `maxClients` already, and the response is untouched. */
  connect(response: ServerResponse, headers: Readonly<Record<string, string>>): boolean
  publish<Name extends keyof LiveEvents>(name: Name, body: LiveEvents[Name]): void
  clientCount(): number
  /** Keeps connections through proxies that close silent ones. */
  keepAlive(): void
  close(): void
}

export function createLiveFeed({ maxClients, maxBufferedBytes, onDropped }: LiveFeedOptions): LiveFeed {
  const clients = new Set<ServerResponse>()
  const write = (text: string) => {
    for (const client of clients) {
      if (client.writableLength + text.length > maxBufferedBytes) {
        clients.delete(client)
        client.destroy()
        onDropped()
      } else client.write(text)
    }
  }
  return {
    connect: (response, headers) => {
      if (clients.size >= maxClients) return false
      response.writeHead(200, {
        ...headers,
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      })
      response.write(`retry: ${reconnectMs}\n\n`)
      clients.add(response)
      response.on('close', () => clients.delete(response))
      return true
    },
    publish: (name, body) => write(`event: ${name}\ndata: ${JSON.stringify(body)}\n\n`),
    clientCount: () => clients.size,
    keepAlive: () => write(':\n\n'),
    close: () => {
      for (const client of clients) client.end()
      clients.clear()
    },
  }
}

const reconnectMs = 2000
