/** A process of its own, as a service is one, with nothing in it. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const code = `
import { z } from 'zod'
import { runProcess } from '${new URL('./run-process.ts', import.meta.url).href}'
const schema = z.strictObject({ port: z.int().default(0), minimum_severity: z.string().default('warning') }).prefault({})
await runProcess({ name: 'alerter', schema, start: async ({ takeLive, logger }) => {
  takeLive({ keys: ['alerter.minimum_severity'], prepare: ({ alerter }) => async () => logger.info('now ' + alerter.minimum_severity) })
} })`

test('SIGHUP brings a changed configuration into force, and SIGTERM ends the process in order', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-process-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'lapwing.yaml')
  writeFileSync(file, 'alerter: {}')
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', code], {
    cwd: fileURLToPath(new URL('../', import.meta.url)),
    env: { ...process.env, LAPWING_CONFIG: file },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  await expect.poll(() => output, { timeout: 20_000 }).toContain('listening')
  writeFileSync(file, 'alerter: {minimum_severity: info}')
  await expect
    .poll(
      () => {
        child.kill('SIGHUP')
        return output
      },
      { timeout: 20_000, interval: 200 },
    )
    .toContain('now info')
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
}, 60_000)
