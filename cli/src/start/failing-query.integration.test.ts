/** A query that a real Prometheus refuses, from the ingestor to the overview of the reporter, and gone once the configuration is corrected. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@lapwing/kafka-server/free-port'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../../test/eventually.ts'
import { missingPrograms, type Server, startPrometheus } from '../../../test/servers.ts'
import { openAllConfig } from './all-config.ts'
import { services, startInOneProcess } from './one-process.ts'

const missing = missingPrograms(['prometheus'])
if (missing.length > 0) console.warn(`skipped: ${missing.join(', ')} not installed`)

interface Trouble {
  readonly promql: string
  readonly reason: string
  readonly message: string
  readonly sinceMs: number
}

describe.skipIf(missing.length > 0)('a query that Prometheus refuses', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-failing-query-'))
  let prometheus: Server
  beforeAll(async () => {
    prometheus = await startPrometheus(await freePort(), 'http://127.0.0.1:9')
  })
  afterAll(async () => {
    await prometheus?.stop()
    rmSync(folder, { recursive: true })
  })

  test('is in the overview with the words of Prometheus until it is corrected', async () => {
    const file = join(folder, 'lapwing.yaml')
    const configure = (...metrics: readonly string[]) =>
      writeFileSync(file, JSON.stringify({ prometheus_url: prometheus.url, metrics, ingestor: { step: '1s', history: '1m' } }))
    configure('up', 'sum(up', 'up{job=~".+"} * on() group_left() {job=~".+"}')
    const ports = services.map(([name]) => `${name}.port=0`)
    const opened = openAllConfig({ config: file, set: [...ports, `reporter.data_dir=${folder}`, 'kafka.partitions=2'] })
    const running = await startInOneProcess(opened, { folder, line: () => {}, show: () => {}, close: async () => {} })
    const ask = async (service: string, path: string) => fetch(running.urls.get(service) + path)
    const troubles = async () => ((await (await ask('reporter', '/api/v1/overview')).json()) as { troubles: Trouble[] }).troubles
    const failing = async () => {
      const lines = (await (await ask('ingestor', '/metrics')).text()).split('\n')
      return lines.filter((line) => /^lapwing_ingest_failing_queries\{.* [^0]/.test(line)).length
    }
    try {
      const [found, ...others] = await eventually(
        async () => {
          const told = await troubles()
          return told.some(({ reason }) => reason === 'bad_query')
            ? told.filter(({ reason }) => reason === 'bad_query')
            : undefined
        },
        { what: 'the mistake in the overview', deadlineMs: 40_000 },
      )
      expect(others).toEqual([])
      expect(found).toMatchObject({
        promql: 'sum(up',
        message: expect.stringMatching(/^Prometheus refuses the query: .*parse error: unclosed left parenthesis/),
      })
      expect(Math.abs(Date.now() - found!.sinceMs)).toBeLessThan(60_000)
      expect(await failing()).toBeGreaterThan(0)
      const runbook = await ask('reporter', '/runbooks/LapwingQueryFailing.md')
      expect(await runbook.text()).toContain('correct the PromQL')
      configure('up')
      await eventually(async () => (await troubles()).length === 0, { what: 'an overview without it', deadlineMs: 40_000 })
      expect(await failing()).toBe(0)
    } finally {
      await running.stop()
    }
  }, 120_000)
})
