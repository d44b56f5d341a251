/** A running ingestor whose queries change: on the log in memory, with a real file and a Prometheus that has nothing. */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../test/eventually.ts'
import { beginIngestor } from '../test/start-ingestor.ts'

/** Answers every query with no series, and keeps the queries. */
async function startEmptyPrometheus(): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    asked.push(new URLSearchParams(`${new URL(request.url ?? '/', 'http://x').search.slice(1)}&${body}`).get('query') ?? '')
    const answer = { status: 'success', data: { resultType: 'matrix', result: [] } }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

test('queries change while it runs, and stay as they were when the new ones are refused', async () => {
  const prometheus = await startEmptyPrometheus()
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-reload-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'lapwing.yaml')
  const polled = (query: string) =>
    writeFileSync(file, `prometheus_url: ${prometheus.url}\nstep: 1s\nrun_interval_seconds: 1\nmetrics: [${query}]\n`)
  polled('up')
  const ingestor = await beginIngestor(createInProcessLog(), ['kafka.partitions=2', 'ingestor.lateness=0s'], 0, file).started
  onTestFinished(() => ingestor.close())
  const metric = async (name: string) => (await ingestor.registry.getSingleMetric(name)!.get()).values[0]?.value
  const askedFor = (query: string, since = 0) =>
    eventually(`asked for ${query}`, () => prometheus.asked.slice(since).includes(query) || undefined)
  await askedFor('up')

  polled('{name: shop}')
  const success = () => metric('lapwing_config_last_reload_successful')
  await eventually('the file is refused', async () => (await success()) === 0 || undefined)
  await askedFor('up', prometheus.asked.length)

  polled('node_load1')
  await askedFor('node_load1')
  await eventually('the file is taken', async () => (await success()) === 1 || undefined)
  const taken = prometheus.asked.length
  await askedFor('node_load1', taken)
  expect(prometheus.asked.slice(taken)).not.toContain('up')
}, 60_000)
