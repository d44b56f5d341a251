/** Scraping as the service does it: real pages over HTTP, targets from files, samples on a log. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sampleFlags } from '@lapwing/contracts/series-state'
import { topicName } from '@lapwing/contracts/topics'
import { commonSections, loadConfig } from '@lapwing/service/config'
import type { RunningService } from '@lapwing/service/run-service'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Log } from '@lapwing/stream/log'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../test/eventually.ts'
import { readSamples } from '../../test/read-samples.ts'
import { startedIngestor } from '../../test/start-ingestor.ts'
import { ingestorSchema } from '../config.ts'

const samplesTopic = topicName('lapwing', 'samples')
let folder: string
let log: Log
const closers: (() => unknown)[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lapwing-scrape-'))
  log = createInProcessLog()
})
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  rmSync(folder, { recursive: true, force: true })
})

async function servePage(page: () => { status: number; text: string }): Promise<{ address: string; server: Server }> {
  const server = createServer((_request, response) => {
    const { status, text } = page()
    response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4' }).end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

async function start(job: object, more: readonly string[] = []): Promise<RunningService> {
  const configs = [{ job_name: 'shop', scrape_interval: '1s', scrape_timeout: '1s', ...job }]
  const sets = [`ingestor.scrape_configs=${JSON.stringify(configs)}`]
  const service = await startedIngestor(log, [...sets, ...more])
  closers.push(() => service.close())
  return service
}

const seen = async (series: string) =>
  (await readSamples(log, samplesTopic)).filter((sample) => sample.series.startsWith(`${series}{`))
const soon = (what: string, look: () => Promise<boolean>) =>
  eventually(what, async () => ((await look()) ? true : undefined), 40_000)

describe('scraping', { timeout: 120_000 }, () => {
  test('a target is scraped at its interval; when it fails `up` is 0 and its series end', async () => {
    let status = 200
    const { address } = await servePage(() => ({ status, text: 'orders 5\n' }))
    const service = await start({ static_configs: [{ targets: [address], labels: { shop: 'north' } }] })
    await soon('three scrapes', async () => (await seen('orders')).length >= 3)
    const orders = await seen('orders')
    expect(orders[0]).toMatchObject({
      series: `orders{instance="${address}",job="shop",shop="north"}`,
      source: 'scrape',
      kind: 'live',
      value: 5,
    })
    const gaps = orders.slice(1).map(({ timestampMs }, i) => timestampMs - orders[i]!.timestampMs)
    for (const gap of gaps) expect(gap).toBeGreaterThan(500)
    status = 500
    await soon('it is down', async () => (await seen('up')).at(-1)?.value === 0)
    expect((await seen('orders')).at(-1)!.flag).toBe(sampleFlags.stale)
    status = 200
    await soon('it is up again', async () => (await seen('up')).at(-1)?.value === 1 && (await seen('orders')).at(-1)!.flag === 0)
    const metrics = await (await fetch(`${service.url}/metrics`)).text()
    expect(metrics).toMatch(/lapwing_ingest_scrapes_total\{outcome="ok",service="ingestor"\} [1-9]/)
    expect(metrics).toMatch(/lapwing_ingest_scrapes_total\{outcome="unreachable",service="ingestor"\} [1-9]/)
  })

  test('a page that cannot be read counts as a failure', async () => {
    const { address } = await servePage(() => ({ status: 200, text: '<html>not metrics</html>' }))
    await start({ static_configs: [{ targets: [address] }] })
    await soon('it is down', async () => (await seen('up')).at(-1)?.value === 0)
  })

  test('rules relabel and drop what is scraped, the counters as the rates that they have become', async () => {
    let requests = 0
    const { address } = await servePage(() => {
      requests += 10
      const counter = `# TYPE requests_total counter\nrequests_total{path="/",code="200"} ${requests}\n`
      return { status: 200, text: `${counter}spare 1\norders 5\n` }
    })
    const rules = [
      { source_labels: ['__name__'], regex: 'spare', action: 'drop' },
      { source_labels: ['instance'], regex: '([^:]+):.*', target_label: 'host' },
      { source_labels: ['__name__'], regex: '(.+):rate', target_label: '__name__', replacement: 'per_second:$1' },
      { regex: 'code|instance', action: 'labeldrop' },
    ]
    const service = await start({ static_configs: [{ targets: [address] }] }, [
      `ingestor.metric_relabel_configs=${JSON.stringify(rules)}`,
    ])
    await soon('two scrapes of the counter', async () => (await seen('per_second:requests')).length > 0)
    const texts = new Set((await readSamples(log, samplesTopic)).map(({ series }) => series))
    const labels = 'host="127.0.0.1",job="shop"'
    const untouched = `instance="${address}",job="shop"`
    expect([...texts].sort()).toEqual([
      `orders{${labels}}`,
      `per_second:requests{${labels},path="/"}`,
      `scrape_duration_seconds{${untouched}}`,
      `scrape_samples_scraped{${untouched}}`,
      `up{${untouched}}`,
    ])
    const metrics = await (await fetch(`${service.url}/metrics`)).text()
    expect(metrics).toMatch(/samples_dropped_total\{source="scrape",reason="relabelled",service="ingestor"\} [1-9]/)
  })

  test('targets come and go with their file; a damaged file keeps those it had', async () => {
    const [first, second] = [
      await servePage(() => ({ status: 200, text: 'a 1\n' })),
      await servePage(() => ({ status: 200, text: 'b 1\n' })),
    ]
    const file = join(folder, 'targets.json')
    const write = (...addresses: string[]) => writeFileSync(file, JSON.stringify([{ targets: addresses }]))
    write(first.address)
    await start({ file_sd_configs: [{ files: [join(folder, '*.json')], refresh_interval: '1s' }] })
    await soon('the first is scraped', async () => (await seen('a')).length > 0)
    writeFileSync(file, '[{"targets": [')
    const before = (await seen('a')).length
    await soon('it is still scraped', async () => (await seen('a')).length >= before + 3)
    write(second.address)
    await soon('the second is scraped', async () => (await seen('b')).length > 0)
    await soon('the first has ended', async () => (await seen('a')).at(-1)?.flag === sampleFlags.stale)
    expect((await seen('up')).filter(({ flag }) => flag === sampleFlags.stale)).toHaveLength(1)
  })
})

test.each([
  [
    '[{"job_name": "a", "static_configs": [{"targets": ["http://x:1"]}]}]',
    /scrape_configs\.0\.static_configs\.0\.targets\.0: expected host:port/,
  ],
  ['[{"job_name": "a", "file_sd_configs": [{"files": ["x.txt"]}]}]', /files\.0: expected a \.json/],
  ['[{"job_name": "a"}, {"job_name": "a"}]', /scrape_configs: expected a job_name of its own/],
  ['[{"static_configs": []}]', /scrape_configs\.0\.job_name: .*nothing is set/],
])('%s', (configs, message) => {
  const load = () =>
    loadConfig({ ...commonSections, ingestor: ingestorSchema }, { environment: {}, sets: [`ingestor.scrape_configs=${configs}`] })
  expect(load).toThrow(message)
})
