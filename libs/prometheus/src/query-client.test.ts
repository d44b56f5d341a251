import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { answerBytesMax, createQueryClient } from './query-client.ts'
import { QueryError } from './query-errors.ts'

const range = { startMs: 60_000, endMs: 120_000, stepMs: 15_000 }
const answer = JSON.stringify({
  status: 'success',
  data: { resultType: 'matrix', result: [{ metric: { a: 'b' }, values: [[60, '1']] }] },
})
const never = new AbortController().signal

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

/** A server that answers every request so; its address. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function failure(url: string, timeoutMs = 5000): Promise<QueryError> {
  const error = await createQueryClient({ url, timeoutMs })
    .queryRange('sum(up)', range, never)
    .catch((error: unknown) => error)
  if (error instanceof QueryError) return error
  throw new Error(`expected a QueryError, got ${String(error)}`)
}

describe('query client', () => {
  test('sends query, range and its own deadline as a form, and returns the series', async () => {
    const requests: { url: string | undefined; type: string | undefined; form: Record<string, string> }[] = []
    const url = await serve(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      requests.push({
        url: request.url,
        type: request.headers['content-type'],
        form: Object.fromEntries(new URLSearchParams(body)),
      })
      response.end(answer)
    })
    const series = await createQueryClient({ url: `${url}/prefix/`, timeoutMs: 5000 }).queryRange('sum(up)', range, never)
    expect(series).toEqual([{ labels: [{ name: 'a', value: 'b' }], timestampsMs: [60_000], values: [1] }])
    expect(requests).toEqual([
      {
        url: '/prefix/api/v1/query_range',
        type: 'application/x-www-form-urlencoded;charset=UTF-8',
        form: { query: 'sum(up)', start: '60.000', end: '120.000', step: '15.000', timeout: '5000ms' },
      },
    ])
  })

  test.each([
    [
      'a bearer token',
      (url: string) => ({ url, access: { headers: () => ({ authorization: 'Bearer abc' }), tls: () => undefined } }),
      'Bearer abc',
    ],
    [
      'user and password of the address',
      (url: string) => ({ url: url.replace('//', '//me:p%40ss@') }),
      `Basic ${btoa('me:p@ss')}`,
    ],
    ['nothing', (url: string) => ({ url }), undefined],
  ])('authenticates with %s', async (_, options, expected) => {
    let authorization: string | undefined
    const url = await serve((request, response) => {
      authorization = request.headers.authorization
      response.end(answer)
    })
    await createQueryClient({ ...options(url), timeoutMs: 5000 }).query('up', 0, never)
    expect(authorization).toBe(expected)
  })

  test.each([
    [400, 'bad_query', false],
    [401, 'unauthorised', false],
    [404, 'not_prometheus', false],
    [422, 'not_executable', false],
    [429, 'throttled', true],
    [500, 'server_error', true],
    [502, 'server_error', true],
    [503, 'unavailable', true],
  ])('status %i is %s, retryable: %s, in the words of Prometheus and with the query', async (status, code, retryable) => {
    const url = await serve((_request, response) =>
      response.writeHead(status).end('{"status":"error","error":"because of the moon"}'),
    )
    const error = await failure(url)
    expect(error).toMatchObject({ code, retryable, promql: 'sum(up)' })
    expect(error.message).toContain('because of the moon')
    expect(error.message).toContain('sum(up)')
  })

  test('Retry-After is handed on', async () => {
    const url = await serve((_request, response) => response.writeHead(503, { 'retry-after': '7' }).end())
    expect((await failure(url)).retryAfterMs).toBe(7000)
  })

  test('a redirect is not followed', async () => {
    let reached = false
    const elsewhere = await serve((_request, response) => {
      reached = true
      response.end(answer)
    })
    const url = await serve((_request, response) =>
      response.writeHead(307, { location: `${elsewhere}/api/v1/query_range` }).end(),
    )
    expect((await failure(url)).code).toBe('redirected')
    expect(reached).toBe(false)
  })

  test('a server that does not answer, or not to the end, is a timeout', async () => {
    const silent = await serve(() => {})
    expect(await failure(silent, 100)).toMatchObject({ code: 'timeout', retryable: true })
    const halting = await serve((_request, response) => response.write(answer.slice(0, 20)))
    expect(await failure(halting, 100)).toMatchObject({ code: 'timeout', retryable: true })
  })

  test('a connection that is refused or cut is unreachable', async () => {
    const cutting = await serve((request) => request.socket.destroy())
    expect(await failure(cutting)).toMatchObject({ code: 'unreachable', retryable: true })
    expect(await failure('http://127.0.0.1:1')).toMatchObject({ code: 'unreachable', retryable: true })
  })

  test('an answer cut short within its length is unreachable, one with a wrong length garbled', async () => {
    const short = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': answer.length })
      response.write(answer.slice(0, 20), () => response.socket?.destroy())
    })
    expect(await failure(short)).toMatchObject({ code: 'unreachable', retryable: true })
    const complete = await serve((_request, response) => response.end(answer.slice(0, 20)))
    expect(await failure(complete)).toMatchObject({ code: 'garbled', retryable: true })
  })

  test('an answer beyond the limit is refused while it is read', async () => {
    const chunk = Buffer.alloc(1024 * 1024, ' ')
    let sentBytes = 0
    const url = await serve((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(chunk)) sentBytes += chunk.length
        sentBytes += chunk.length
        response.once('drain', more)
      }
      more()
    })
    expect((await failure(url)).code).toBe('too_large')
    expect(sentBytes).toBeLessThan(2 * answerBytesMax)
  })

  test('points outside of the range that was asked for are garbled', async () => {
    const url = await serve((_request, response) => response.end(answer.replace('[60,', '[59,')))
    expect((await failure(url)).code).toBe('garbled')
  })

  test('an aborted request ends with the reason of its signal', async () => {
    const url = await serve(() => {})
    const abort = new AbortController()
    const pending = createQueryClient({ url, timeoutMs: 5000 }).queryRange('up', range, abort.signal)
    abort.abort(new Error('closing'))
    await expect(pending).rejects.toThrow('closing')
  })

  test('a range with too many points is a mistake of the caller', async () => {
    const client = createQueryClient({ url: 'http://127.0.0.1:1', timeoutMs: 5000 })
    await expect(client.queryRange('up', { startMs: 0, endMs: 11_000_000, stepMs: 1000 }, never)).rejects.toThrow(RangeError)
  })
})
