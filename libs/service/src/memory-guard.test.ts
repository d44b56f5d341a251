import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { outOfMemory } from './memory-guard.ts'

const megabyte = 1024 * 1024

describe('the memory guard', () => {
  test('says nothing while there is room', () => {
    expect(outOfMemory(89 * megabyte, 100 * megabyte)).toBeUndefined()
  })

  test('says what is full and what to do', () => {
    expect(outOfMemory(95 * megabyte, 100 * megabyte)).toMatch(
      /^out of memory: 95 MB .* limit is 100 MB; give it more .*another replica/,
    )
  })

  test('ends a process whose heap fills up with its exit code', async () => {
    const program = `
      import { guardMemory } from '${new URL('memory-guard.ts', import.meta.url).href}'
      guardMemory((message) => { console.log(message); process.exit(1) })
      const kept = []
      setInterval(() => { for (let i = 0; i < 300; i++) kept.push({ text: String(Math.random()) }) }, 1)`
    const flags = ['--max-old-space-size=24', '--import', 'tsx', '--input-type=module', '--eval', program]
    const ended = promisify(execFile)(process.execPath, flags, {
      cwd: new URL('../', import.meta.url),
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    await expect(ended).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining('out of memory') })
  }, 60_000)
})
