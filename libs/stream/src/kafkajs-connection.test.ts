/**
 * Holds the part of `patches/kafkajs@2.2.4.patch` that is about connections: one goes on after a broker died while it was answering, two
 * calls that connect at once leave no socket behind, nor do many that give up listeners; a coordinator that closed the connection is looked for again.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import Cluster from 'kafkajs/src/cluster/index.js'
import Connection from 'kafkajs/src/network/connection.js'
import socketFactory from 'kafkajs/src/network/socketFactory.js'
import Encoder from 'kafkajs/src/protocol/encoder.js'
import { expect, onTestFinished, test, vi } from 'vitest'

test.each([2, 4, 9, 11])('an answer cut after %i bytes is no beginning of the next one', async (cutAt) => {
  const { port, answer } = await startServer()
  const connection = openConnection(port)
  await connection.connect()
  const lost = connection.send(echo)
  const { socket, correlationId } = await answer()
  socket.write(framed(correlationId, 'lost').subarray(0, cutAt), () => socket.destroy())
  await expect(lost).rejects.toThrow()

  await connection.connect()
  const found = connection.send(echo)
  const next = await answer()
  next.socket.write(framed(next.correlationId, 'found'))
  expect(await found).toBe('found')
})

test('calls that connect at the same time share a socket', async () => {
  const { port, answer, sockets } = await startServer()
  const connection = openConnection(port)
  await Promise.all([connection.connect(), connection.connect(), connection.connect()])
  const found = connection.send(echo)
  const { socket, correlationId } = await answer()
  socket.write(framed(correlationId, 'found'))
  expect(await found).toBe('found')
  expect(sockets).toHaveLength(1)
  await Promise.all([once(socket, 'close'), connection.disconnect()])
  await connection.connect()
  expect(sockets).toHaveLength(2)
})

test('a connection that is refused and given up again and again leaves no listeners behind', async () => {
  const { port, close } = await startServer()
  await close()
  const connection = openConnection(port)
  await expect(connection.connect()).rejects.toThrow()
  const listeners = () => connection.socket.listenerCount('connect')
  const before = listeners()
  for (let i = 0; i < 20; i++) await connection.disconnect()
  expect(listeners()).toBe(before)
})

test('a coordinator that does not answer because its connection was closed is looked for again', async () => {
  const cluster = new Cluster({
    logger: { namespace: () => log },
    brokers: async () => ['127.0.0.1:1'],
    clientId: 'test',
    retry: { retries: 2, initialRetryTime: 1 },
  })
  const answers = [null, { coordinator: { nodeId: 7 } }]
  vi.spyOn(cluster.brokerPool, 'withBroker').mockImplementation(async () => answers.shift() ?? null)
  vi.spyOn(cluster, 'refreshMetadata').mockResolvedValue()
  vi.spyOn(cluster, 'findBroker').mockImplementation(async (broker) => broker)
  expect(await cluster.findGroupCoordinator({ groupId: 'group' })).toEqual({ nodeId: 7 })
  await expect(cluster.findGroupCoordinator({ groupId: 'group' })).rejects.toMatchObject({
    name: 'KafkaJSNumberOfRetriesExceeded',
  })
})

/** A server that leaves it to the test what it answers. */
async function startServer() {
  const requests: { socket: Socket; correlationId: number }[] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    // Size, key and version of the call come first.
    socket.on('data', (request) => {
      requests.push({ socket, correlationId: request.readInt32BE(8) })
      server.emit('asked')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const answer = async () => {
    if (requests.length === 0) await once(server, 'asked')
    return requests.shift()!
  }
  const close = () => new Promise((resolve) => server.close(resolve))
  return { port: (server.address() as AddressInfo).port, answer, sockets, close }
}

function openConnection(port: number): Connection {
  const connection = new Connection({
    host: '127.0.0.1',
    port,
    logger: { ...log, namespace: () => log },
    socketFactory: socketFactory(),
    connectionTimeout: 5000,
    requestTimeout: 5000,
  })
  onTestFinished(async () => void (await connection.disconnect()))
  return connection
}

const log = { debug: () => undefined, warn: () => undefined, error: () => undefined, info: () => undefined }

const echo = {
  request: { apiKey: 3, apiVersion: 0, apiName: 'Metadata', encode: async () => new Encoder() },
  response: {
    decode: async (payload: Buffer) => ({ text: payload.toString() }),
    parse: async ({ text }: { text: string }) => text,
  },
}

function framed(correlationId: number, text: string): Buffer {
  const head = new Encoder().writeInt32(4 + text.length).writeInt32(correlationId)
  return Buffer.concat([head.buffer, Buffer.from(text)])
}
