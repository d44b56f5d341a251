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

/** What the server says on a connection that says this, until it closes it. */
async function answerTo(said: string): Promise<string> {
  const http = createHttp({ registry: new Registry(), health: createHealth(), logger: pino({ level: 'silent' }) })
  closers.push(() => http.close())
  Object.assign(http.server, { headersTimeout: 50, requestTimeout: 50, connectionsCheckingInterval: 20 })
  http.post('/echo', async (request) => request.body)
  await http.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect((http.server.address() as AddressInfo).port, '127.0.0.1')
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

  test('that speaks something else is told so', async () => {
    expect(await answerTo('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 Bad Request/)
  })
})
