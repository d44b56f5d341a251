import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../testing/running-reporter.ts'
import { createLiveFeed, type LiveFeed } from './live-feed.ts'

let server: Server | undefined
const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  server?.close()
})

async function serve(feed: LiveFeed): Promise<number> {
  server = createServer((_request, response) => {
    if (!feed.connect(response, {})) response.writeHead(503).end()
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function client(port: number): { socket: Socket; received: () => string } {
  let text = ''
  const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  sockets.push(socket)
  return { socket, received: () => text }
}

const connected = (feed: LiveFeed, count: number) =>
  until(
    async () => feed.clientCount(),
    (seen) => seen === count,
  )

describe('live feed', () => {
  test('an event reaches every client', async () => {
    const feed = createLiveFeed({ maxClients: 10, maxBufferedBytes: 1e6, onDropped: () => {} })
    const port = await serve(feed)
    const clients = [client(port), client(port)]
    await connected(feed, 2)
    feed.publish('series', [])
    for (const { received } of clients)
      await until(
        async () => received(),
        (text) => text.includes('event: series\ndata: []\n\n'),
      )
  })

  test('a client that does not read is dropped, the others go on', async () => {
    let dropped = 0
    const feed = createLiveFeed({ maxClients: 10, maxBufferedBytes: 2 * 1024 * 1024, onDropped: () => dropped++ })
    const port = await serve(feed)
    const [slow, quick] = [client(port), client(port)]
    await connected(feed, 2)
    slow.socket.pause()
    const bulk = [{ text: 'x'.repeat(200_000) }] as never
    await until(
      async () => {
        feed.publish('series', bulk)
        return dropped
      },
      (count) => count === 1,
    )
    expect(feed.clientCount()).toBe(1)
    const before = quick.received().length
    feed.publish('series', bulk)
    await until(
      async () => quick.received().length,
      (length) => length > before,
    )
  })

  test('no more clients than allowed, and one that left makes room', async () => {
    const feed = createLiveFeed({ maxClients: 1, maxBufferedBytes: 1e6, onDropped: () => {} })
    const port = await serve(feed)
    const first = client(port)
    await connected(feed, 1)
    const second = client(port)
    await until(
      async () => second.received(),
      (text) => text.startsWith('HTTP/1.1 503'),
    )
    first.socket.destroy()
    await connected(feed, 0)
    client(port)
    await connected(feed, 1)
  })
})
