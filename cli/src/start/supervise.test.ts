/** Service processes that end before they are ready: what the person at the terminal gets to read, and that nothing is left. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '@lapwing/service/config'
import { afterAll, describe, expect, test } from 'vitest'
import { EndedBeforeReady, type ServiceCommand, supervise } from './supervise.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-supervise-'))
afterAll(() => rmSync(folder, { recursive: true }))

const ready =
  "process.send({ type: 'ready', service: 'steady', url: 'http://steady' }); process.on('SIGTERM', () => process.exit(0))"
const steady = service('steady', `${ready}; process.stderr.write('a line\\n'); setInterval(() => {}, 1000)`)

describe('a service that ends before it is ready', () => {
  test('because it refuses the configuration: its own words, once, and the others are stopped', async () => {
    const refusing = service('pods', "process.stderr.write('pods: there is no cluster; do this\\n'); process.exitCode = 2")
    const lines: string[] = []
    const error = await start([steady, refusing], lines).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ConfigError)
    expect((error as ConfigError).message).toBe('pods: there is no cluster; do this')
    expect(lines.filter((line) => line.startsWith('pods'))).toEqual([])
  }, 60_000)

  test('for another reason: which one, and what it wrote is handed on', async () => {
    const failing = service('drift', "process.stderr.write('no memory\\n'); process.exitCode = 1")
    const lines: string[] = []
    const error = await start([failing], lines).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(EndedBeforeReady)
    expect(error).toMatchObject({ service: 'drift', message: 'drift ended before it was ready (exit code 1)' })
    expect(lines).toEqual(['drift: no memory'])
  }, 60_000)
})

test('what a service that is ready writes is handed on', async () => {
  const lines: string[] = []
  const running = await start([steady], lines)
  await expect.poll(() => lines, { timeout: 20_000 }).toEqual(['steady: a line'])
  expect([...running.urls]).toEqual([['steady', 'http://steady']])
  await running.stop()
}, 60_000)

function service(name: string, script: string): ServiceCommand {
  const main = join(folder, `${name}.mjs`)
  writeFileSync(main, script)
  return { name, main, args: [] }
}

function start(commands: readonly ServiceCommand[], lines: string[]) {
  return supervise({
    commands,
    loader: import.meta.resolve('tsx'),
    environment: process.env,
    onLine: (name, line) => lines.push(`${name}: ${line}`),
    onRestart: () => {},
  })
}
