/**
 * A remote-write sender as Prometheus is one: a request is repeated until it is answered with 2xx, and only then comes the next; so
 * what was acknowledged is known, sample by sample.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { seriesKey } from '@lapwing/contracts/series'
import { encodeWrite, type WriteSeries, writeHeaders } from '@lapwing/prometheus/remote-write-encoder'

export interface Sender {
  /** Requests that were answered with 2xx, in order. */
  readonly acknowledged: readonly (readonly WriteSeries[])[]
  /** Answers that were not 2xx, and `no answer`, with how often. */
  readonly refusals: ReadonlyMap<string, number>
  /** Sends one until it is acknowledged. Rejects when it is refused for good (4xx), or the sender is stopped. */
  send(request: readonly WriteSeries[]): Promise<void>
  stop(): void
}

/** @param url asked for before each try, because a receiver that comes again has another port */
export function createSender(url: () => string): Sender {
  const acknowledged: (readonly WriteSeries[])[] = []
  const refusals = new Map<string, number>()
  let isStopped = false
  const send = async (request: readonly WriteSeries[]) => {
    const body = encodeWrite(request)
    for (;;) {
      const status = await post(`${url()}/api/v1/write`, body)
      if (status === '204') break
      refusals.set(status, (refusals.get(status) ?? 0) + 1)
      if (status.startsWith('4') && status !== '429') throw new Error(`remote write was answered with ${status}`)
      if (isStopped) throw new Error('the sender was stopped')
      await delay(retryMs)
    }
    acknowledged.push(request)
  }
  const stop = () => {
    isStopped = true
  }
  return { acknowledged, refusals, send, stop }
}

const retryMs = 250
const answerTimeoutMs = 60_000

/** The status of the answer, or `no answer`. */
export async function post(url: string, body: Buffer): Promise<string> {
  try {
    const signal = AbortSignal.timeout(answerTimeoutMs)
    const answer = await fetch(url, { method: 'POST', headers: writeHeaders, body: new Blob([body]), signal })
    await answer.arrayBuffer()
    return String(answer.status)
  } catch {
    return 'no answer'
  }
}

/** The samples in these requests: series key, slash, milliseconds since the epoch. */
export function sampleIds(requests: readonly (readonly WriteSeries[])[]): Set<string> {
  const ids = new Set<string>()
  for (const { labels, timestampsMs } of requests.flat()) {
    const key = seriesKey(labels).toString('hex')
    for (const timestampMs of timestampsMs) ids.add(`${key}/${timestampMs}`)
  }
  return ids
}
