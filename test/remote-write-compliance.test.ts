/** The public remote-write compliance suite against an ingestor of its own process, on a real Kafka. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chooseTestLog } from '@lapwing/kafka-server/test-broker'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { complianceSuite } from './compliance-suite.ts'

const suite = complianceSuite()
if ('missing' in suite) process.stderr.write(`SKIPPED: remote-write compliance needs ${suite.missing}\n`)

describe.skipIf('missing' in suite)('remote write', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-compliance-'))
  let kafka: Awaited<ReturnType<typeof chooseTestLog>>
  let ingestor: ChildProcess
  let url = ''

  beforeAll(async () => {
    kafka = await chooseTestLog({ ...process.env, LAPWING_LOG: 'kafka' })
    ingestor = spawn(
      process.execPath,
      [
        '--import',
        'tsx',
        fileURLToPath(new URL('../services/ingestor/src/main.ts', import.meta.url)),
        '--set',
        'ingestor.port=0',
      ],
      { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: { ...process.env, KAFKA_BROKERS: kafka.brokers.join(',') } },
    )
    const [ready] = (await once(ingestor, 'message')) as [{ url: string }]
    url = ready.url
  })

  afterAll(async () => {
    ingestor?.kill('SIGTERM')
    if (ingestor) await once(ingestor, 'exit')
    await kafka?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('passes every case of the compliance suite', async () => {
    const config = join(folder, 'config.yml')
    writeFileSync(config, JSON.stringify({ remote_write: [{ name: 'lapwing', url: `${url}/api/v1/write` }] }))
    const run = spawn((suite as { program: string }).program, ['-test.v'], {
      cwd: folder,
      env: { ...process.env, PROMETHEUS_RW2_COMPLIANCE_CONFIG_FILE: config },
    })
    let output = ''
    run.stdout.on('data', (text) => {
      output += text
    })
    await once(run, 'close')
    const outcomes = output.match(/^\s*--- (PASS|FAIL|SKIP): .*$/gm) ?? []
    const passed = outcomes.filter((line) => line.includes('--- PASS'))
    process.stderr.write(`remote-write compliance: ${passed.length} of ${outcomes.length} passed\n`)
    expect(outcomes.filter((line) => !line.includes('--- PASS'))).toEqual([])
    expect(passed.length).toBeGreaterThan(200)
    expect(run.exitCode).toBe(0)
  })
})
