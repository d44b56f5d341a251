/** `lapwing queries check` as a person runs it, and every query of every preset as a real Prometheus reads it. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { freePort } from '@lapwing/kafka-server/free-port'
import { readPreset } from '@lapwing/queries/presets'
import { presetNames } from '@lapwing/queries/query-settings'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../../test/eventually.ts'
import { missingPrograms, type Server, startNodeExporter, startPrometheus } from '../../../test/servers.ts'

const missing = missingPrograms(['prometheus', 'nodeExporter'])
if (missing.length > 0) console.warn(`skipped: ${missing.join(', ')} not installed`)

describe.skipIf(missing.length > 0)('lapwing queries check', () => {
  const servers: Server[] = []
  let url: string
  beforeAll(async () => {
    const exporter = await startNodeExporter()
    servers.push(exporter)
    const prometheus = await startPrometheus(await freePort(), exporter.url, { labels: { anomaly_name: 'this_machine' } })
    servers.push(prometheus)
    url = prometheus.url
    await eventually(
      async () => {
        const answer = await fetch(
          `${url}/api/v1/query?query=${encodeURIComponent('count_over_time(node_load1[1m] offset 12s) > 4')}`,
        )
        return ((await answer.json()) as { data: { result: unknown[] } }).data.result.length > 0
      },
      { what: 'five scrapes, further back than polls stay behind', deadlineMs: 30_000 },
    )
  })
  afterAll(async () => {
    for (const server of servers.reverse()) await server.stop()
  })

  test('Prometheus reads every query of every preset; a node exporter and anomaly_name bring series', async () => {
    const { code, lines } = await check(url, [`ingestor.presets=[${presetNames.join(',')}]`])
    expect(lines.filter(({ error }) => error !== undefined)).toEqual([])
    expect(code).toBe(0)
    const wanted = presetNames.flatMap((preset) => readPreset(preset).queries.map(({ name }) => name))
    expect(lines.map(({ name }) => name)).toEqual(wanted)
    const withSeries = lines.filter(({ series }) => series > 0).map(({ name }) => name)
    const ofMachines = readPreset('node-exporter').queries.map(({ name }) => name ?? null)
    expect(withSeries).toEqual(
      expect.arrayContaining(['node_load_per_cpu', 'node_cpu_busy_ratio', 'node_memory_available_ratio']),
    )
    // Some machines have no disk, no clock discipline or no swap to tell of.
    expect(ofMachines.filter((name) => withSeries.includes(name)).length).toBeGreaterThanOrEqual(ofMachines.length - 3)
    expect(lines.find(({ name }) => name === 'anomaly_name')!.series).toBeGreaterThan(100)
  })

  test('what fails is told in the words of Prometheus, with exit code 1; counters are told', async () => {
    const metrics = [
      'node_load1',
      'sum(',
      'node_context_switches_total',
      'node_vmstat_pgfault',
      'up / node_context_switches_total',
      'go_gc_duration_seconds_count / up',
    ]
    const { code, lines } = await check(url, [`ingestor.metrics=${JSON.stringify(metrics)}`])
    expect(code).toBe(1)
    expect(lines.map(({ asked }) => asked)).toEqual([
      'node_load1',
      'sum(',
      'rate(node_context_switches_total[120s])',
      'node_vmstat_pgfault',
      'up / node_context_switches_total',
      'go_gc_duration_seconds_count / up',
    ])
    expect(lines[1]).toMatchObject({ error: 'bad_query', message: expect.stringContaining('unclosed left parenthesis') })
    expect(lines[4]).toMatchObject({ countersWithoutRate: ['node_context_switches_total'] })
    expect(lines[5]).toMatchObject({ countersWithoutRate: ['go_gc_duration_seconds_count'] })
    expect(lines[0]).toMatchObject({ series: 1, memoryBytes: expect.any(Number) })
    expect(lines[0]!.memoryBytes).toBeGreaterThan(1000)
  })

  test('a Prometheus that is not there fails every query', async () => {
    const { code, lines } = await check('http://127.0.0.1:1', ['ingestor.metrics=[up]'])
    expect([code, lines[0]!.error]).toEqual([1, 'unreachable'])
  })
})

interface Line {
  readonly name: string | null
  readonly asked: string
  readonly series: number
  readonly memoryBytes: number
  readonly countersWithoutRate: readonly string[]
  readonly error?: string
  readonly message?: string
}

const lapwing = fileURLToPath(new URL('../../../lapwing', import.meta.url))

async function check(url: string, sets: readonly string[]): Promise<{ code: number | null; lines: Line[] }> {
  const args = ['queries', 'check', '--json', '--window', '1m', ...['ingestor.step=1s', ...sets].flatMap((set) => ['--set', set])]
  const child = spawn(lapwing, args, { env: { ...process.env, PROMETHEUS_URL: url }, stdio: ['ignore', 'pipe', 'ignore'] })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += String(chunk)
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  const lines = output.split('\n').filter((line) => line !== '')
  return { code, lines: lines.map((line) => JSON.parse(line) as Line) }
}
