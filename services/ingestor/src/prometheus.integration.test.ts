/** The poller against a real Prometheus that scrapes itself, and its remote write into the ingestor. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { topicName } from '@lapwing/contracts/topics'
import { freePort } from '@lapwing/kafka-server/free-port'
import { alignDown } from '@lapwing/prometheus/alignment'
import { createQueryClient } from '@lapwing/prometheus/query-client'
import { QueryError } from '@lapwing/prometheus/query-errors'
import type { RunningService } from '@lapwing/service/run-service'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Log } from '@lapwing/stream/log'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../test/eventually.ts'
import { type ReadSample, readSamples } from '../test/read-samples.ts'
import { startedIngestor } from '../test/start-ingestor.ts'

const binary = process.env.PATH?.split(':')
  .map((folder) => join(folder, 'prometheus'))
  .find(existsSync)
if (!binary) console.warn('skipped: no prometheus on the PATH')

const never = new AbortController().signal
const samplesTopic = topicName('lapwing', 'samples')
const queries = ['prometheus_tsdb_head_series', 'sum by (instance) (rate(prometheus_http_requests_total[10s]))']

describe.skipIf(!binary)('with a real Prometheus', () => {
  let folder: string
  let prometheus: ChildProcess
  let url: string
  let log: Log
  let ingestor: RunningService

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lapwing-prometheus-'))
    const [prometheusPort, ingestorPort] = [await freePort(), await freePort()]
    url = `http://127.0.0.1:${prometheusPort}`
    prometheus = await startPrometheus(folder, prometheusPort, `http://127.0.0.1:${ingestorPort}/api/v1/write`)
    await eventually('it has scraped itself for a while', () => hasHistory(url), 100_000)
    log = createInProcessLog()
    ingestor = await startOn(log, url, ingestorPort)
  }, 180_000)

  afterAll(async () => {
    await ingestor?.close()
    if (prometheus && prometheus.exitCode === null) {
      prometheus.kill('SIGKILL')
      await once(prometheus, 'exit')
    }
    if (folder) await rm(folder, { recursive: true, force: true })
  })

  test('what was polled and not imputed is what Prometheus answers for the whole range, each step once', async () => {
    const polled = await eventually(
      'history and ten live steps',
      async () => {
        const samples = (await readSamples(log, samplesTopic)).filter((sample) => sample.source !== 'remote-write')
        const plain = samples.filter((sample) => sample.series.startsWith(queries[0]!))
        return plain.filter((sample) => sample.kind === 'live').length >= 10 ? plain : undefined
      },
      100_000,
    )
    const [first, last] = [polled[0]!, polled.at(-1)!]
    const range = { startMs: first.timestampMs, endMs: last.timestampMs, stepMs: 1000 }
    const [answer] = await createQueryClient({ url, timeoutMs: 5000 }).queryRange(queries[0]!, range, never)
    const measured = polled.filter((sample) => sample.flag === 0)
    expect(measured.map((sample) => sample.timestampMs)).toEqual(answer!.timestampsMs)
    expect(measured.map((sample) => sample.value)).toEqual(answer!.values)
    const steps = Array.from(polled, (_, i) => first.timestampMs + i * 1000)
    expect(polled.map((sample) => sample.timestampMs)).toEqual(steps)
    expect(polled[0]!.kind).toBe('history')
  }, 150_000)

  test('a series without a name carries its expression', async () => {
    const series = await eventually('samples of the expression', async () => {
      const samples = await readSamples(log, samplesTopic)
      return samples.find((sample) => sample.series.includes('rate('))?.series
    })
    expect(series).toMatch(
      /^sum by \(instance\) \(rate\(prometheus_http_requests_total\[10s\]\)\)\{instance="127\.0\.0\.1:\d+"\}$/,
    )
  })

  test('what it writes to us is what it has', async () => {
    const pushed = await eventually(
      'ten pushed samples of a series',
      async () => {
        const samples = (await readSamples(log, samplesTopic)).filter((sample) => sample.source === 'remote-write')
        const head = samples.filter((sample) => sample.series.startsWith('prometheus_tsdb_head_series{'))
        return head.length >= 10 ? head : undefined
      },
      100_000,
    )
    expect(await rawSamples(url, pushed)).toEqual(pushed.map(({ timestampMs, value }) => [timestampMs, value]))
  }, 150_000)

  test.each([
    ['sum(', 'bad_query', 'parse error'],
    [
      'up * on() group_left() {__name__=~"prometheus_tsdb.*"} * on() up{} / on(nothing) {__name__=~"go_.*"}',
      'not_executable',
      'many',
    ],
  ])('an expression that does not work is reported in its words: %s', async (promql, code, words) => {
    const now = alignDown(Date.now(), 1000)
    const error = await createQueryClient({ url, timeoutMs: 5000 })
      .queryRange(promql, { startMs: now - 5000, endMs: now, stepMs: 1000 }, never)
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(QueryError)
    expect(error).toMatchObject({ code, promql })
    expect((error as QueryError).message).toContain(words)
  })
})

async function startPrometheus(folder: string, port: number, writeUrl: string): Promise<ChildProcess> {
  const config = `
global: { scrape_interval: 1s }
scrape_configs: [{ job_name: itself, static_configs: [{ targets: ['127.0.0.1:${port}'] }] }]
remote_write: [{ url: '${writeUrl}', queue_config: { batch_send_deadline: 500ms, max_backoff: 1s } }]
`
  const file = join(folder, 'prometheus.yml')
  await writeFile(file, config)
  const flags = [`--config.file=${file}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=127.0.0.1:${port}`]
  return spawn(binary!, flags, { stdio: 'ignore' })
}

/** True once five seconds of samples are there; undefined before, also while it does not answer yet. */
async function hasHistory(url: string): Promise<true | undefined> {
  try {
    const [count] = await createQueryClient({ url, timeoutMs: 5000 }).query('count_over_time(up[1m])', Date.now(), never)
    return (count?.values[0] ?? 0) >= 5 ? true : undefined
  } catch (error) {
    if (error instanceof QueryError && error.retryable) return undefined
    throw error
  }
}

function startOn(log: Log, prometheusUrl: string, port: number): Promise<RunningService> {
  const settings = {
    prometheus_url: prometheusUrl,
    metrics: JSON.stringify(queries),
    step: '1s',
    poll_interval: '1s',
    lateness: '2s',
    history: '1m',
  }
  const sets = Object.entries(settings).map(([key, value]) => `ingestor.${key}=${value}`)
  return startedIngestor(log, sets, port)
}

/** The samples of the same series and time that Prometheus itself holds, as it scraped them. */
async function rawSamples(url: string, like: readonly ReadSample[]): Promise<[timestampMs: number, value: number][]> {
  const [fromMs, toMs] = [like[0]!.timestampMs, like.at(-1)!.timestampMs]
  const query = new URLSearchParams({ query: `${like[0]!.series}[${toMs - fromMs + 1}ms]`, time: String(toMs / 1000) })
  const answer = await (await fetch(`${url}/api/v1/query?${query}`)).json()
  const { values } = (answer as { data: { result: { values: [number, string][] }[] } }).data.result[0]!
  return values.map(([seconds, value]) => [Math.round(seconds * 1000), Number(value)])
}
