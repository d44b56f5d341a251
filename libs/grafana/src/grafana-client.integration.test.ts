/** The client against a Grafana that refuses every request which is not in Grafana's published contract. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { doubleCredentials, type GrafanaDouble, grafanaDouble, startGrafanaDouble } from '../testing/grafana-double.ts'
import { dashboards, folder } from './dashboards/dashboards.ts'
import { createGrafanaClient, type GrafanaCredentials } from './grafana-client.ts'

const found = grafanaDouble()
if ('missing' in found) process.stderr.write(`skipped: the client of Grafana against its contract: ${found.missing}\n`)

describe.skipIf('missing' in found)('against the contract of Grafana', () => {
  let double: GrafanaDouble
  beforeAll(async () => {
    double = await startGrafanaDouble((found as { program: string }).program)
  })
  afterAll(() => double.stop())
  const clientWith = (credentials: GrafanaCredentials) => createGrafanaClient({ url: double.url, credentials })
  const { token, user, password } = doubleCredentials

  test('health needs no credentials', async () => {
    expect(await clientWith({ token: 'wrong' }).health()).toEqual({ version: '12.0.0', database: 'ok' })
  })

  test.each([
    ['a token', { token }],
    ['a user', { user, password }],
  ])('with %s a dashboard is made, read back as it was, and replaced', async (_name, credentials) => {
    const client = clientWith(credentials)
    const [dashboard] = dashboards().values()
    const uid = `with-${Object.keys(credentials).join('-')}`
    await client.ensureFolder(folder.uid, folder.title)
    await client.ensureFolder(folder.uid, folder.title)
    expect(await client.getDashboard(uid)).toBeUndefined()
    const first = await client.createOrUpdateDashboard({ ...dashboard!, uid }, folder.uid, 'first')
    expect(first).toEqual({ uid, url: `/d/${uid}`, version: 1 })
    const read = await client.getDashboard(uid)
    expect(read).toEqual({ folderUid: folder.uid, dashboard: { ...dashboard, uid, version: 1 } })
    expect((await client.createOrUpdateDashboard({ ...dashboard!, uid, title: 'New' }, folder.uid, 'second')).version).toBe(2)
    expect((await client.getDashboard(uid))?.dashboard.title).toBe('New')
  })

  test('annotations are points or regions, on one dashboard or all', async () => {
    const client = clientWith({ token })
    const first = await client.addAnnotation({ startMs: 1000, text: 'point', tags: ['lapwing'] })
    const region = { startMs: 1000, endMs: 2000, text: 'region', tags: ['lapwing', 'anomaly'], dashboardUid: 'lapwing-overview' }
    expect(await client.addAnnotation(region)).toBe(first + 1)
  })

  test('credentials that are refused, and a folder that is not there, are told in words', async () => {
    await expect(clientWith({ token: 'wrong' }).getDashboard('x')).rejects.toMatchObject({ code: 'unauthorised' })
    const [dashboard] = dashboards().values()
    const saving = clientWith({ token }).createOrUpdateDashboard(dashboard!, 'no-such-folder', '')
    await expect(saving).rejects.toThrow('Grafana refuses the request: 400 folder not found')
  })
})

describe('what is not a Grafana', () => {
  test.each([
    [200, '<html>', 'not_grafana'],
    [302, '', 'not_grafana'],
    [500, '{"message":"oh"}', 'server_error'],
    [403, '{"message":"no"}', 'forbidden'],
    [412, '{}', 'conflict'],
  ])('an answer of %i %s is %s, and the credentials are not in it', async (status, body, code) => {
    const server = createServer((_request, response) => {
      response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(body)
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const client = createGrafanaClient({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      credentials: { token: 'canary' },
    })
    const error = await client.health().catch((failure: unknown) => failure)
    server.close()
    expect(error).toMatchObject({ code })
    expect(JSON.stringify([String(error), error])).not.toContain('canary')
  })

  test('nobody there, and nobody who answers', async () => {
    const nobody = createGrafanaClient({ url: 'http://127.0.0.1:1', credentials: { token: '' } })
    await expect(nobody.health()).rejects.toMatchObject({ code: 'unreachable', retryable: true })
    const silent = createServer(() => undefined).listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    await expect(createGrafanaClient({ url, credentials: { token: '' }, timeoutMs: 50 }).health()).rejects.toMatchObject({
      code: 'timeout',
    })
    silent.closeAllConnections()
    silent.close()
  })
})
