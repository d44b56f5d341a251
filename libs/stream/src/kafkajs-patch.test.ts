/**
 * Holds `patches/kafkajs@2.2.4.patch`: a connection that has nothing to do sets no timers, one that is throttled still does; what is written
 * is the same bytes although large pieces are no longer copied; the checksum is that of the broker.
 */
import fc from 'fast-check'
import RequestQueue, { type QueuedRequest } from 'kafkajs/src/network/requestQueue/index.js'
import Encoder from 'kafkajs/src/protocol/encoder.js'
import crc32C from 'kafkajs/src/protocol/recordBatch/crc32C/index.js'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('an idle connection does not tick after its requests are answered', () => {
  const { queue, push, answer } = createQueue()
  for (let i = 0; i < 10; i++) {
    push(i)
    answer(i)
  }
  expect(vi.getTimerCount()).toBe(0)
  queue.maybeThrottle(1)
  vi.advanceTimersByTime(1000)
  push(10)
  answer(10)
  expect(vi.getTimerCount()).toBe(0)
})

test('requests beyond the limit go out as answers come in, then it is quiet', () => {
  const { sent, push, answer } = createQueue()
  push(0)
  push(1)
  expect(sent).toEqual([0])
  answer(0)
  expect(sent).toEqual([0, 1])
  answer(1)
  vi.advanceTimersByTime(100)
  expect(vi.getTimerCount()).toBe(0)
})

test('a throttled request waits for the end of the throttle, in one timer', () => {
  const { queue, sent, push } = createQueue()
  queue.maybeThrottle(5000)
  push(0)
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(4999)
  expect(sent).toEqual([])
  vi.advanceTimersByTime(1)
  expect(sent).toEqual([0])
})

test('looking for requests that are too old takes one timer in five seconds', () => {
  const { queue } = createQueue()
  const look = vi.spyOn(queue.inflight, 'forEach')
  queue.scheduleRequestTimeoutCheck()
  vi.advanceTimersByTime(10_000)
  expect(look).toHaveBeenCalledTimes(2)
  queue.destroy()
})

test('encoders within encoders hold all bytes in order, whatever their size', () => {
  const contents = fc.array(fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 5 }), { maxLength: 5 })
  fc.assert(
    fc.property(contents, (lengths) => {
      const inner = lengths.map((row) => row.reduce((encoder, length) => encoder.writeBytes(filled(length)), new Encoder()))
      const outer = new Encoder().writeInt32(7).writeEncoder(new Encoder().writeInt32(8).writeEncoderArray(inner)).writeInt32(9)
      const expected = Buffer.concat([
        int32(7),
        int32(8),
        ...lengths.flat().flatMap((length) => [int32(length), filled(length)]),
        int32(9),
      ])
      expect(outer.buffer.equals(expected)).toBe(true)
      expect(outer.size()).toBe(expected.length)
    }),
  )
})

test('the checksum is CRC-32C, over pieces as over the whole', () => {
  expect(crc32C([Buffer.from('123456789')])).toBe(0xe3069283)
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (pieces) => {
      const buffers = pieces.map((piece) => Buffer.from(piece))
      expect(crc32C(buffers)).toBe(crc32C([Buffer.concat(buffers)]))
    }),
  )
})

function filled(length: number): Buffer {
  return Buffer.alloc(length, length % 251)
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** A queue that may have one request in flight. */
function createQueue() {
  const silent = { debug: () => undefined, warn: () => undefined, error: () => undefined, info: () => undefined }
  const queue = new RequestQueue({
    maxInFlightRequests: 1,
    requestTimeout: 30_000,
    enforceRequestTimeout: true,
    clientId: 'test',
    broker: 'broker',
    logger: silent,
  })
  const sent: number[] = []
  const push = (correlationId: number) => {
    const entry = { correlationId, apiKey: 0, apiVersion: 0, apiName: 'test', resolve: () => undefined, reject: () => undefined }
    queue.push({ entry, expectResponse: true, sendRequest: () => sent.push(correlationId) } satisfies QueuedRequest)
  }
  const answer = (correlationId: number) => queue.fulfillRequest({ correlationId, payload: null, size: 0 })
  return { queue, sent, push, answer }
}
