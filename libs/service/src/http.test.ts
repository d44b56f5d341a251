import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, test } from 'vitest'
import { createHealth } from './health.ts'
import { createHttp } from './http.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** @param deadlines of the server, in milliseconds, in the place of its own */
async function started(deadlines: object = {}) {
  const http = createHttp({ registry: new Registry(), health: createHealth(), logger: pino({ level: 'silent' }) })
  closers.push(() => http.close())
  Object.assign(http.server, deadlines)
  http.post('/echo', async (request) => request.body)
  await http.listen({ host: '127.0.0.1', port: 0 })
  return { http, port: (http.server.address() as AddressInfo).port }
}

/** What the server says on a connection that says this, until it closes it. */
async function answerTo(said: string): Promise<string> {
  const { port } = await started({ headersTimeout: 50, requestTimeout: 50, connectionsCheckingInterval: 20 })
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk) => {
    answer += String(chunk)
  })
  socket.write(said)
  await once(socket, 'close')
  return answer
}

describe('a connection', () => {
  test.each([
    ['nothing', ''],
    ['half a request', 'POST /echo HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nab'],
  ])('that says %s in time is closed without an answer', async (_, said) => {
    expect(await answerTo(said)).toBe('')
  })

  test('has half a minute for its whole request, from the first byte to the last', async () => {
    const { http } = await started()
    expect(http.server.requestTimeout).toBe(30_000)
    expect(http.server.headersTimeout).toBeLessThanOrEqual(60_000)
  })

  test('of which there are hundreds, silent or half said, keeps nobody else waiting', async () => {
    const { port } = await started()
    const slow = Array.from({ length: 400 }, () => connect(port, '127.0.0.1'))
    closers.unshift(async () => {
      for (const socket of slow) socket.destroy()
    })
    await Promise.all(slow.map((socket) => once(socket, 'connect')))
    for (const [i, socket] of slow.entries()) {
      socket.on('error', () => {})
      if (i % 2 === 0) socket.write('POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\na')
    }
    const url = `http://127.0.0.1:${port}`
    expect((await fetch(`${url}/livez`, { signal: AbortSignal.timeout(10_000) })).status).toBe(200)
    const headers = { 'content-type': 'text/plain' }
    const echoed = await fetch(`${url}/echo`, { method: 'POST', headers, body: 'whole', signal: AbortSignal.timeout(10_000) })
    expect(await echoed.text()).toBe('whole')
    expect(slow.every((socket) => !socket.destroyed)).toBe(true)
  })

  test('that speaks something else is told so', async () => {
    expect(await answerTo('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 Bad Request/)
  })
})
