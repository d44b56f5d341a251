import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { seriesText } from '@lapwing/contracts/series'
import { createWriteDecoder } from '@lapwing/prometheus/remote-write-decoder'
import { pushRules } from '@lapwing/prometheus/testing/push-rules'
import { writtenSeries } from '@lapwing/prometheus/testing/written-series'
import { afterEach, describe, expect, test } from 'vitest'
import { type DemoProgress, historyMs, runDemo, stepMs } from './send-demo.ts'
import { demoSeries } from './workload.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

interface Receiver {
  readonly url: string
  /** Timestamps acknowledged, by series. */
  readonly received: ReadonlyMap<string, readonly number[]>
}

/** Answers the requests with these statuses, and 204 from then on. */
async function receiver(...statuses: number[]): Promise<Receiver> {
  const decoder = createWriteDecoder(pushRules)
  const received = new Map<string, number[]>()
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const status = statuses.shift() ?? 204
    if (status === 204) {
      for (const { series, timestampsMs } of writtenSeries(decoder.decode(Buffer.concat(chunks), '1.0'))) {
        const name = seriesText(series.labels)
        received.set(name, [...(received.get(name) ?? []), ...timestampsMs])
      }
    }
    response.writeHead(status).end()
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/write`, received }
}

/** Runs the demo on a clock that stands at `startMs` until the history is sent, and a minute later from then on. */
async function runUntilLive(url: string, steps: number): Promise<DemoProgress[]> {
  const end = new AbortController()
  const progress: DemoProgress[] = []
  const isLive = () => progress.some((one) => one.phase === 'history' && one.samplesSent === one.samplesInAll)
  await runDemo({
    url,
    signal: end.signal,
    now: () => (isLive() ? startMs + 60_000 : startMs),
    onProgress: (one) => {
      progress.push(one)
      if (progress.filter(({ phase }) => phase === 'live').length === steps) end.abort()
    },
    log: () => undefined,
  })
  return progress
}

const startMs = 1_800_000_000_000

describe('sending the demo', () => {
  test('history and live follow each other without a gap or a repeat, also when the receiver fails in between', async () => {
    const { url, received } = await receiver(503, 204, 500, 429, 204, 503)
    const progress = await runUntilLive(url, 10)
    const steps = historyMs / stepMs + 10
    const expected = Array.from({ length: steps }, (_, i) => startMs - historyMs + i * stepMs)
    expect(received.size).toBe(demoSeries.length)
    for (const timestampsMs of received.values()) expect(timestampsMs).toEqual(expected)
    const history = progress.filter((one) => one.phase === 'history')
    expect(history.at(-1)).toEqual({ phase: 'history', samplesSent: 24 * 1440, samplesInAll: 24 * 1440 })
  })

  test('the faults count from when the history was acknowledged, not from the start', async () => {
    const { url } = await receiver()
    const live = (await runUntilLive(url, 12)).filter((one) => one.phase === 'live')
    expect(live.map((one) => one.fault)).toEqual(Array(12).fill(undefined))
  })

  test('ends with an error when the receiver refuses the data itself', async () => {
    const { url } = await receiver(400)
    await expect(runUntilLive(url, 1)).rejects.toThrow('refuses the demo workload: 400')
  })

  test('a receiver that is not there yet is tried again until the demo ends', async () => {
    const end = new AbortController()
    const lines: string[] = []
    await runDemo({
      url: 'http://127.0.0.1:1',
      signal: end.signal,
      now: () => startMs,
      onProgress: () => undefined,
      log: (line) => {
        lines.push(line)
        end.abort()
      },
    })
    expect(lines).toEqual([expect.stringMatching(/does not take samples, tried again every few seconds: /)])
  })
})
