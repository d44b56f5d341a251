import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type SlackTestReceiver, silence, startSlackReceiver } from '../testing/slack-receiver.ts'
import type { DeliveryError } from './delivery-errors.ts'
import { createHttpPoster, type HttpPoster, retryAfterMs } from './http-poster.ts'

let receiver: SlackTestReceiver
beforeEach(async () => {
  receiver = await startSlackReceiver()
})
afterEach(() => receiver.stop())

const open = new AbortController().signal
const poster = (url = receiver.url, timeoutMs = 20_000): HttpPoster =>
  createHttpPoster({
    name: 'test',
    url: new URL(url),
    timeoutMs,
    failureIn: (answer) => (answer === 'ok' ? undefined : 'unexpected_answer'),
  })
const failureOf = (posting: Promise<string>): Promise<DeliveryError> =>
  posting.then(
    () => expect.unreachable('it was taken'),
    (error) => error,
  )

async function answered(status: number, body = '', headers = {}): Promise<DeliveryError> {
  receiver.answerNext({ status, body, headers })
  const one = poster()
  const failure = await failureOf(one.post({}, open))
  one.close()
  return failure
}

describe('an answer', () => {
  test('is sorted by what follows from it', async () => {
    const statuses = [200, 302, 400, 403, 404, 408, 410, 413, 429, 500, 503]
    const codes: string[] = []
    for (const status of statuses) codes.push((await answered(status)).code)
    expect(codes).toEqual([
      'unexpected_answer',
      'unexpected_answer',
      ...['refused', 'refused', 'refused', 'server_error', 'refused', 'refused'],
      'rate_limited',
      ...['server_error', 'server_error'],
    ])
  })

  test('may ask for a wait', async () => {
    expect((await answered(429, '', { 'retry-after': '30' })).requestedDelayMs).toBe(30_000)
    expect((await answered(429)).requestedDelayMs).toBeUndefined()
  })

  test('is quoted, but for the parts of the address in it, and not at length', async () => {
    const { pathname } = new URL(receiver.url)
    const { message } = await answered(404, `Cannot POST ${pathname} ${'x'.repeat(100_000)}`)
    expect(message).toContain('HTTP 404 "Cannot POST /[secret]/')
    expect(message).not.toMatch(/T0LAPWING|B0LAPWING|secret-of-the-webhook/)
    expect(message.length).toBeLessThan(400)
  })
})

describe('no answer', () => {
  test('in time is a timeout, and the request is cancelled', async () => {
    receiver.answerNext(silence)
    expect(await failureOf(poster(receiver.url, 200).post({}, open))).toMatchObject({ code: 'timeout' })
  })

  test('at all is told without the address', async () => {
    const gone = await startSlackReceiver()
    await gone.stop()
    const failure = await failureOf(poster(gone.url).post({}, open))
    expect(failure).toMatchObject({ code: 'unreachable' })
    expect(failure.message).not.toContain('secret')
  })

  test('because the service stops is no failure of the receiver', async () => {
    receiver.answerNext(silence)
    const stopping = new AbortController()
    const posting = failureOf(poster().post({}, stopping.signal))
    stopping.abort()
    expect(await posting).toMatchObject({ code: 'stopping' })
  })
})

describe('the breaker', () => {
  test('opens after five failures and then asks no more', async () => {
    const one = poster()
    receiver.answerNext(...Array.from({ length: 5 }, () => ({ status: 500, body: '' })))
    for (let i = 0; i < 5; i++) await failureOf(one.post({}, open))
    const before = receiver.received.length
    expect(one.breakerState()).toBe('open')
    expect(await failureOf(one.post({}, open))).toMatchObject({ code: 'breaker_open' })
    expect(receiver.received.length).toBe(before)
    one.close()
  })

  test('does not open for refusals and limits, because the receiver is well', async () => {
    const one = poster()
    receiver.answerNext(...[400, 404, 429, 400, 404, 429].map((status) => ({ status, body: '' })))
    for (let i = 0; i < 6; i++) await failureOf(one.post({}, open))
    expect(one.breakerState()).toBe('closed')
    one.close()
  })
})

test('Retry-After is seconds or a date', () => {
  const nowMs = Date.parse('2026-01-05T10:00:00Z')
  const read = ['7', 'Mon, 05 Jan 2026 10:00:30 GMT', 'Mon, 05 Jan 2026 09:00:00 GMT', 'soon', null].map((header) =>
    retryAfterMs(header, nowMs),
  )
  expect(read).toEqual([7000, 30_000, 0, undefined, undefined])
})
