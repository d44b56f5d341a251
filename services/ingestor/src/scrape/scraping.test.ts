/** Scraping as the service does it: real pages over HTTP, targets from files, samples on a log. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sampleFlags } from '@lapwing/contracts/series-state'
import { topicName } from '@lapwing/contracts/topics'
import { commonSections, loadConfig } from '@lapwing/service/config'
import { type RunningService, runService } from '@lapwing/service/run-service'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Log } from '@lapwing/stream/log'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../test/eventually.ts'
import { readSamples } from '../../test/read-samples.ts'
import { ingestorSchema } from '../config.ts'
import { startIngestor } from '../start.ts'

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

async function start(job: object): Promise<RunningService> {
  const configs = [{ job_name: 'shop', scrape_interval: '1s', scrape_timeout: '1s', ...job }]
  const sets = [`ingestor.scrape_configs=${JSON.stringify(configs)}`]
  const service = await runService({
    name: 'ingestor',
    config: loadConfig({ ...commonSections, ingestor: ingestorSchema }, { environment: {}, sets }),
    logger: pino({ level: 'silent' }),
    http: { host: '127.0.0.1', port: 0 },
    version: 'test',
    onFail: (error) => {
      throw error
    },
    start: (context) => startIngestor(context, log),
  })
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
