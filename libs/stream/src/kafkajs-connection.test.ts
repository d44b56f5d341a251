/**
 * Holds the part of `patches/kafkajs@2.2.4.patch` that is about connections: one goes on after a broker died while it was answering, and
 * two calls that connect at once leave no socket behind.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import Connection from 'kafkajs/src/network/connection.js'
import socketFactory from 'kafkajs/src/network/socketFactory.js'
import Encoder from 'kafkajs/src/protocol/encoder.js'
import { expect, onTestFinished, test } from 'vitest'

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
  return { port: (server.address() as AddressInfo).port, answer, sockets }
}

function openConnection(port: number): Connection {
  const log = { debug: () => undefined, warn: () => undefined, error: () => undefined, info: () => undefined }
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
