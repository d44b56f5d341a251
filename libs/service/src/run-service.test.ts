import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { runService, type ServiceContext } from './run-service.ts'

const logger = pino({ level: 'silent' })
const run = (start: (context: ServiceContext<object>) => Promise<void>) =>
  runService({ name: 'test', config: {}, logger, http: { host: '127.0.0.1', port: 0 }, version: '1', onFail: () => {}, start })
const get = async (url: string, path: string) => {
  const answer = await fetch(url + path)
  return { status: answer.status, text: await answer.text() }
}

describe('a service', () => {
  test('answers for its health from the beginning, and is ready when every condition holds', async () => {
    let url = ''
    let connect: () => void = () => {}
    const connected = new Promise<void>((resolve) => {
      connect = resolve
    })
    const starting = run(async ({ health, listen }) => {
      health.declare('log', 'does not answer')
      url = await listen()
      await connected
      health.set('log', true)
    })
    await expect.poll(() => url, { timeout: 20_000 }).not.toBe('')
    expect((await get(url, '/livez')).status).toBe(200)
    const before = await get(url, '/readyz')
    expect(before.status).toBe(503)
    expect(before.text).toContain('log: does not answer')
    connect()
    const service = await starting
    expect((await get(url, '/readyz')).status).toBe(200)
    await service.close()
  })

  test('shows its metrics and a landing page with links', async () => {
    const service = await run(async () => {})
    expect((await get(service.url, '/metrics')).text).toContain('lapwing_build_info{version="1"')
    expect((await get(service.url, '/')).text).toContain('<a href="/metrics">')
    await service.close()
  })

  test('a failed start undoes what had been started, last first', async () => {
    const closed: string[] = []
    const failing = run(async ({ onClose }) => {
      onClose('first', async () => void closed.push('first'))
      onClose('second', async () => void closed.push('second'))
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(closed).toEqual(['second', 'first'])
  })

  test('says whose port it is that is taken, and which address is none', async () => {
    const first = await run(async () => {})
    const at = (http: { readonly host: string; readonly port: number }) =>
      runService({ name: 'test', config: {}, logger, http, version: '1', onFail: () => {}, start: async () => {} })
    const port = Number(new URL(first.url).port)
    await expect(at({ host: '127.0.0.1', port })).rejects.toMatchObject({
      name: 'ConfigError',
      message: `test.port: something else listens at 127.0.0.1:${port} already. Expected a port that is free: --set test.port=PORT`,
    })
    await expect(at({ host: '192.0.2.1', port: 0 })).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringMatching(/^http\.host: 192\.0\.2\.1 is no address of this machine\./),
    })
    await first.close()
  })

  test('closing twice closes once, and one failing clean-up does not keep the others from running', async () => {
    const closed: string[] = []
    const service = await run(async ({ onClose }) => {
      onClose('first', async () => void closed.push('first'))
      onClose('failing', () => Promise.reject(new Error('stuck')))
    })
    await Promise.all([service.close(), service.close()])
    expect(closed).toEqual(['first'])
    await expect(fetch(service.url)).rejects.toThrow()
  })
})
