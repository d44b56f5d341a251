/** The image: built from its Dockerfile, and every service ready and stopped in order from it, with nothing that can be written. */
import type { ChildProcess } from 'node:child_process'
import { freePort } from '@lapwing/kafka-server/free-port'
import { startTestBroker, type TestBroker } from '@lapwing/kafka-server/test-broker'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { type BuiltImage, buildImage } from './image.ts'
import { absentTools } from './tools.ts'

const services = ['ingestor', 'detector', 'trainer', 'drift', 'alerter', 'reporter']
const absent = absentTools('the test of the image', ['buildah', 'unshare', 'setpriv', 'dpkg', 'java'])
const isRoot = process.getuid?.() === 0
if (!isRoot) process.stderr.write('skipped: the test of the image needs root, for a mount namespace\n')

describe.skipIf(absent.length > 0 || !isRoot)('the image', () => {
  let image: BuiltImage
  let broker: TestBroker

  beforeAll(async () => {
    image = buildImage()
    broker = await startTestBroker(process.env)
  }, 600_000)

  afterAll(async () => {
    await broker?.remove()
    image?.remove()
  })

  test('says what it is, and runs as somebody who owns nothing', () => {
    expect(image.config.User).toBe('65532:65532')
    expect(image.config.Labels).toMatchObject({
      'org.opencontainers.image.title': 'lapwing',
      'org.opencontainers.image.version': '0.1.0',
      'org.opencontainers.image.revision': 'abc',
      'org.opencontainers.image.licenses': 'Apache-2.0',
    })
  })

  test('has the command line as its entry point', async () => {
    const ended = await end(image.run(['detector', '--set', 'detector.window=1']))
    expect(ended).toMatchObject({ code: 2, output: expect.stringContaining('detector.window: unknown key') })
    expect(await end(image.run(['--help']))).toMatchObject({ code: 0, output: expect.stringContaining('topics') })
  })

  test('creates the topics, starts every service until it is ready, and stops it in order', { timeout: 240_000 }, async () => {
    const environment = { KAFKA_BROKERS: broker.server.brokers[0] }
    const created = await end(image.run(['topics', 'create', '--wait', '60s'], environment))
    expect(created).toMatchObject({ code: 0, output: expect.stringMatching(/lapwing\.anomalies\.v1 +8 /) })
    const running = await Promise.all(
      services.map(async (service) => {
        const port = await freePort()
        const child = image.run([service, '--set', `${service}.port=${port}`], environment)
        return { service, port, child, ended: end(child) }
      }),
    )
    for (const { service, port } of running) {
      const isReady = async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok
      await eventually(isReady, { what: `${service} is ready`, deadlineMs: 120_000 })
    }
    expect(await (await fetch(`http://127.0.0.1:${running.at(-1)!.port}/`)).text()).toContain('/assets/')
    for (const { child } of running) process.kill(child.pid!, 'SIGTERM')
    for (const { service, ended } of running) expect(await ended, service).toMatchObject({ code: 0 })
  })
})

async function end(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, output }
}
