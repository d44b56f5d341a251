/** A local server that answers range queries like a Prometheus, and fails as it is told: a double for what a real one rarely does. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface RangeRequest {
  readonly promql: string
  readonly startMs: number
  readonly endMs: number
  readonly stepMs: number
}

/** Answers a request in some broken way. */
export type Fault = (response: ServerResponse) => void

export interface FakePrometheus {
  readonly url: string
  /** Requests so far, and whether each got a fault. */
  readonly requests: readonly (RangeRequest & { readonly failed: boolean })[]
  /** Requests that were there at one time, at most. */
  readonly mostAtOnce: number
  /** The next requests get these, one each. */
  fail(...faults: Fault[]): void
  close(): void
}

/**
 * Every query has one series, `metric{instance="a"}`, whose value at a step is its time in seconds; a selector over a range has one
 * sample every 10 ms. The metric `counted` is a counter.
 */
export async function startFakePrometheus(): Promise<FakePrometheus> {
  const requests: (RangeRequest & { failed: boolean })[] = []
  const faults: Fault[] = []
  let atOnce = 0
  let mostAtOnce = 0
  const server = createServer(async (request, response) => {
    if (request.url?.startsWith('/api/v1/metadata')) {
      response.end(JSON.stringify({ status: 'success', data: { counted: [{ type: 'counter', help: '', unit: '' }] } }))
      return
    }
    mostAtOnce = Math.max(mostAtOnce, ++atOnce)
    response.once('close', () => atOnce--)
    const range = await readRange(request)
    const fault = faults.shift()
    requests.push({ ...range, failed: fault !== undefined })
    if (fault) fault(response)
    else response.end(rangeAnswer(range))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get mostAtOnce() {
      return mostAtOnce
    },
    fail: (...more) => faults.push(...more),
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

export function rangeAnswer({ startMs, endMs, stepMs }: RangeRequest, more: object = {}): string {
  const values: [number, string][] = []
  for (let atMs = startMs; atMs <= endMs; atMs += stepMs) values.push([atMs / 1000, String(atMs / 1000)])
  const result = [{ metric: { __name__: 'metric', instance: 'a' }, values }]
  return JSON.stringify({ status: 'success', data: { resultType: 'matrix', result }, ...more })
}

async function readRange(request: IncomingMessage): Promise<RangeRequest> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  const form = new URLSearchParams(body)
  const ms = (name: string) => Math.round(Number(form.get(name)) * 1000)
  const promql = form.get('query') ?? ''
  const rangeMs = /\[(\d+)ms\]$/.exec(promql)?.[1]
  if (rangeMs === undefined) return { promql, startMs: ms('start'), endMs: ms('end'), stepMs: ms('step') }
  return { promql, startMs: ms('time') - Number(rangeMs), endMs: ms('time'), stepMs: 10 }
}
