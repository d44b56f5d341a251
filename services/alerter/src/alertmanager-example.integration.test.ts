/** The example in deploy/ as Alertmanager's own tool reads it. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

const run = promisify(execFile)
const amtool = ['/usr/bin/amtool', '/usr/local/bin/amtool'].find((path) => existsSync(path))
if (!amtool) console.log('skipped: tests of deploy/alertmanager, because amtool is not installed')
const example = fileURLToPath(new URL('../../../deploy/alertmanager/alertmanager.yml', import.meta.url))
const receiverOf = async (...labels: string[]) => {
  const { stdout } = await run(amtool!, ['config', 'routes', 'test', `--config.file=${example}`, ...labels])
  return stdout.trim()
}

describe.skipIf(!amtool)('deploy/alertmanager/alertmanager.yml', () => {
  test('is taken by Alertmanager', async () => {
    const { stdout } = await run(amtool!, ['check-config', example])
    expect(stdout).toContain('SUCCESS')
  })

  test('pages for what is critical and mails the rest', async () => {
    expect(await receiverOf('alertname=LapwingAnomaly', 'severity=critical')).toBe('pager')
    expect(await receiverOf('alertname=LapwingAnomaly', 'severity=warning')).toBe('mail')
  })
})
