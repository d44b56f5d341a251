/**
 * Sends ready-made remote-write bodies over a connection that stays open, one at a time.
 *
 * A client of the platform costs more processor time than the receiver has for a request, and on one machine that time is taken
 * from what is being measured. This one writes a fixed head and the body, and reads no more of an answer than its status,
 * its length and how long to wait.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { writeHeaders } from '@lapwing/prometheus/remote-write-encoder'

export interface WriteSender {
  /** Sends until it is taken; rejects when it is refused for good. Returns how long the answer took, in milliseconds. */
  send(body: Uint8Array): Promise<number>
  close(): void
}

const connections = 4

/** As many as a Prometheus begins with. */
export function openSenders(url: string): Promise<WriteSender[]> {
  return Promise.all(Array.from({ length: connections }, () => openSender(url)))
}

async function openSender(url: string): Promise<WriteSender> {
  const { hostname, port, host, pathname } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.setNoDelay(true)
  await once(socket, 'connect')
  const fixed = Object.entries(writeHeaders).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `POST ${pathname} HTTP/1.1\r\nhost: ${host}\r\n${fixed.join('')}content-length: `
  const answers = readAnswers(socket)
  const send = async (body: Uint8Array) => {
    for (const startMs = performance.now(); ; ) {
      if (socket.destroyed) throw new Error('the receiver closed the connection')
      socket.cork()
      socket.write(`${head}${body.length}\r\n\r\n`, 'latin1')
      socket.write(body)
      socket.uncork()
      const { status, retryAfterSeconds } = await answers()
      if (status === 204) return performance.now() - startMs
      if (status !== 503 && status !== 429) throw new Error(`remote write was answered with ${status}`)
      await setTimeout(retryAfterSeconds * 1000)
    }
  }
  return { send, close: () => socket.destroy() }
}

interface Answer {
  readonly status: number
  readonly retryAfterSeconds: number
}

/** The next answer each time it is called. */
function readAnswers(socket: Socket): () => Promise<Answer> {
  let text = ''
  let waiting: PromiseWithResolvers<Answer> | undefined
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
    const bodyStart = text.indexOf('\r\n\r\n') + 4
    if (bodyStart < 4 || text.length < bodyStart + numberIn(/^content-length: (\d+)/im, text)) return
    waiting?.resolve({ status: Number(text.slice(9, 12)), retryAfterSeconds: numberIn(/^retry-after: (\d+)/im, text) })
    text = ''
  })
  socket.on('close', () => waiting?.reject(new Error('the receiver closed the connection')))
  socket.on('error', (error) => waiting?.reject(error))
  return () => {
    waiting = withResolvers()
    return waiting.promise
  }
}

function numberIn(pattern: RegExp, text: string): number {
  return Number(pattern.exec(text)?.[1] ?? 0)
}

interface PromiseWithResolvers<Value> {
  readonly promise: Promise<Value>
  resolve(value: Value): void
  reject(error: Error): void
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers<Value>(): PromiseWithResolvers<Value> {
  let resolve!: (value: Value) => void
  let reject!: (error: Error) => void
  const promise = new Promise<Value>((onValue, onError) => {
    resolve = onValue
    reject = onError
  })
  return { promise, resolve, reject }
}
