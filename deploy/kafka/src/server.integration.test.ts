import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { startTestBroker } from './test-broker.ts'

describe.skipIf(!inject('canStartKafka'))('Kafka from its jars', () => {
  test('stops in order, and starts again on the same port with its data', async () => {
    const broker = await startTestBroker(process.env)
    await broker.server.stop()
    expect(isAlive(broker.server.pid)).toBe(false)
    // What it wrote before it ran, when its directory was made, is no news.
    expect(await broker.server.ended).not.toMatch(/Formatting/)
    const second = await broker.restart()
    expect(second.brokers).toEqual(broker.server.brokers)
    await broker.remove()
    expect(isAlive(second.pid)).toBe(false)
  })

  test('does not outlive a parent that is killed', async () => {
    const script = `
      const { startTestBroker } = await import(${JSON.stringify(new URL('./test-broker.ts', import.meta.url).href)})
      const { server } = await startTestBroker(process.env)
      console.log(server.pid)`
    const temporary = await mkdtemp(join(tmpdir(), 'orphan-'))
    onTestFinished(() => rm(temporary, { recursive: true, force: true }))
    const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: temporary },
    })
    const [line] = await once(parent.stdout, 'data')
    const pid = Number(String(line).trim())
    expect(isAlive(pid)).toBe(true)
    parent.kill('SIGKILL')
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 15_000, interval: 50 })
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
