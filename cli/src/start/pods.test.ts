/** `lapwing start` with namespaces in its configuration: the pods role is one of the services, and without them it is none. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openAllConfig, watchesPods } from './all-config.ts'
import { podsService, services, startInOneProcess } from './one-process.ts'

let folder: string
let server: Server
let port: number

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lapwing-start-pods-'))
  server = apiServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
  vi.stubEnv('KUBECONFIG', kubeconfig())
})
afterEach(async () => {
  vi.unstubAllEnvs()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  rmSync(folder, { recursive: true })
})

const ports = [...services, podsService].map(([name]) => `${name}.port=0`)
const output = () => ({ folder, line: () => {}, show: () => {}, close: async () => {} })
const opened = (...sets: readonly string[]) =>
  openAllConfig({ set: [...ports, `reporter.data_dir=${folder}`, 'kafka.partitions=2', ...sets] })

test('watches the pods of the namespaces, tells of them in its metrics, and says when the server goes', async () => {
  const running = await startInOneProcess(opened('pods.namespaces=["shop"]'), output())
  try {
    const url = running.urls.get('pods')!
    const shows = (line: string) =>
      vi.waitFor(async () => expect(await (await fetch(`${url}/metrics`)).text()).toMatch(new RegExp(`^${line}$`, 'm')), {
        timeout: 20_000,
        interval: 100,
      })
    await shows('lapwing_pod_events_total\\{.*kind="container_ended".*\\} 1')
    await shows('lapwing_pod_namespaces\\{.*state="watched".*\\} 1')
    await shows('lapwing_pod_namespaces\\{.*state="unanswered".*\\} 0')
    await shows('lapwing_pod_event_write_errors_total\\{.*\\} 0')
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    server.close()
    server.closeAllConnections()
    await shows('lapwing_pod_namespaces\\{.*state="unanswered".*\\} 1')
    await shows('lapwing_pod_watch_breaks_total\\{.*\\} [1-9]\\d*')
    expect((await fetch(`${url}/readyz`)).status).toBe(503)
  } finally {
    await running.stop()
  }
}, 60_000)

test('says what to do where there is no cluster, and starts nothing', async () => {
  vi.stubEnv('KUBECONFIG', '')
  vi.stubEnv('HOME', folder)
  await expect(startInOneProcess(opened('pods.namespaces=["shop"]'), output())).rejects.toThrow(
    'pods: there is no cluster; set KUBECONFIG, or run inside of one, or take pods.namespaces out of the configuration',
  )
}, 60_000)

test('says which kubeconfig cannot be read', async () => {
  vi.stubEnv('KUBECONFIG', join(folder, 'absent'))
  await expect(startInOneProcess(opened('pods.namespaces=["shop"]'), output())).rejects.toThrow(
    /^pods: the kubeconfig cannot be read; correct the file or KUBECONFIG: ENOENT.*absent/,
  )
}, 60_000)

test('is none of the services where no namespace is named', () => {
  expect(watchesPods(opened().config)).toBe(false)
  expect(watchesPods(opened('pods.namespaces=["*"]').config)).toBe(true)
})

/** Of the API: the list of pods of a namespace, one of which was killed for its memory a minute ago, and a watch that brings nothing. */
function apiServer(): Server {
  const finishedAt = new Date(Date.now() - 60_000).toISOString()
  const terminated = { exitCode: 137, reason: 'OOMKilled', finishedAt }
  const status = { name: 'app', image: 'app', imageID: '', ready: true, restartCount: 1, lastState: { terminated } }
  const pod = {
    metadata: { name: 'cart-1', namespace: 'shop', uid: 'u-1', resourceVersion: '7' },
    status: { phase: 'Running', containerStatuses: [status] },
  }
  return createServer((request, reply) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://api')
    if (pathname !== '/api/v1/namespaces/shop/pods') return void reply.writeHead(404).end('{}')
    reply.writeHead(200, { 'content-type': 'application/json' })
    if (searchParams.get('watch') === 'true') return void reply.flushHeaders()
    reply.end(JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '7' }, items: [pod] }))
  })
}

function kubeconfig(): string {
  const file = join(folder, 'kubeconfig')
  const content = {
    clusters: [{ name: 'test', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'nobody' }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'nobody' } }],
    'current-context': 'test',
  }
  writeFileSync(file, JSON.stringify(content))
  return file
}
