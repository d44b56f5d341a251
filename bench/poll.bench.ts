/**
 * What polling costs: an ingestor as a process of its own asks a server 100 queries of 1,000 series each every 15 s and puts what it
 * hears on a real Kafka. The server stands in for a Prometheus, whose own work is not the question.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { decode } from '@lapwing/contracts/codec'
import { topicName } from '@lapwing/contracts/topics'
import type { Log } from '@lapwing/stream/log'
import type { Benches, Figure } from './figure.ts'
import { startServices } from './service-processes.ts'

export const benches: Benches = { 'poll/cpu': pollCpu }

const queries = 100
const seriesPerQuery = 1000
const stepS = 15
const roundsMeasured = 2

async function pollCpu(): Promise<Figure> {
  const server = await startAnswering()
  const metrics = Array.from({ length: queries }, (_, i) => `shop_metric_${i}`)
  const services = await startServices(['ingestor'], 8, [
    `ingestor.prometheus_url=${server.url}`,
    `ingestor.metrics=${JSON.stringify(metrics)}`,
    `ingestor.step=${stepS}s`,
    'ingestor.history=0s',
    'ingestor.lateness=1s',
  ])
  try {
    const url = services.urls.get('ingestor')!
    const polledBefore = await polled(url, 1)
    const usedBefore = services.cpuSeconds().get('ingestor')!
    const polledAfter = await polled(url, 1 + roundsMeasured)
    const secondsPerSample = (services.cpuSeconds().get('ingestor')! - usedBefore) / (polledAfter - polledBefore)
    const found = await samplesOn(services.log)
    if (found < polledAfter) throw new Error(`${found} samples on the log, ${polledAfter} were said to be there`)
    const share = (secondsPerSample * queries * seriesPerQuery) / stepS
    return { bench: 'poll/cpu', value: Number((100 * share).toFixed(1)), unit: '% of a core' }
  } finally {
    await services.close()
    server.close()
  }
}

/** Samples on the log as the ingestor counts them, once they are so many rounds. */
async function polled(url: string, rounds: number): Promise<number> {
  const counter = /^lapwing_ingest_samples_total\{source="poll",kind="live".*\} (\d+)$/m
  for (;;) {
    const count = Number(counter.exec(await (await fetch(`${url}/metrics`)).text())?.[1] ?? 0)
    if (count >= rounds * queries * seriesPerQuery) return count
    await delay(500)
  }
}

/** Answers range queries of any text with as many series as there are pods. */
async function startAnswering() {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    if (!request.url?.startsWith('/api/v1/query_range')) {
      response.end('{"status":"success","data":{}}')
      return
    }
    response.end(answer(new URLSearchParams(body)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

function answer(form: URLSearchParams): string {
  const [start, end] = [Number(form.get('start')), Number(form.get('end'))]
  const result = Array.from({ length: seriesPerQuery }, (_, i) => ({
    metric: {
      __name__: form.get('query'),
      code: '200',
      instance: `10.0.${i >> 8}.${i & 255}:8080`,
      job: 'shop',
      method: 'GET',
      namespace: 'production',
      pod: `shop-7d9f8c6b5-${i.toString(36)}`,
    },
    values: Array.from({ length: (end - start) / stepS + 1 }, (_, k) => {
      const at = start + k * stepS
      return [at, String(50 + 10 * Math.sin(at / 60 + i))]
    }),
  }))
  return JSON.stringify({ status: 'success', data: { resultType: 'matrix', result } })
}

async function samplesOn(log: Log): Promise<number> {
  const records = await log.readToEnd(topicName('lapwing', 'samples'))
  return records.reduce((sum, { value }) => sum + decode('SampleBatch', value!).timestampsMs.length / 8, 0)
}
