/** `lapwing kube` with the plain manifests, on a cluster whose Deployments get pods, in a namespace that takes restricted pods only. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { type Cluster, clusterTools, startCluster } from './cluster.ts'
import { absentTools } from './tools.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const chart = join(root, 'deploy/helm/lapwing')
const manifests = join(root, 'deploy/kubernetes/lapwing.yaml')
const namespace = ['--namespace', 'lapwing']
const absent = absentTools('the test of lapwing kube on a cluster', clusterTools)

describe.skipIf(absent.length > 0)('lapwing kube on a cluster', () => {
  let cluster: Cluster
  let lapwing: Cluster['lapwing']
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lapwing-kube-'))
    cluster = await startCluster()
    lapwing = cluster.lapwing
  }, 300_000)
  afterAll(async () => {
    await cluster?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test('applies the plain manifests: tried, created until all pods are ready, unchanged by what the cluster adds, changed', async () => {
    const tried = await lapwing(['kube', 'apply', manifests, '--dry-run'])
    expect(tried).toContain('Namespace lapwing: created (dry run)\n')
    expect(tried).toContain('Deployment lapwing-detector: created (dry run, unchecked until the namespace lapwing is there)\n')
    expect(await lapwing(['kube', 'apply', manifests])).toContain('Deployment lapwing-detector: created\n')
    await available()
    expect(await lapwing(['kube', 'status', ...namespace])).toMatch(/^lapwing-detector +2\/2$/m)
    expect(await lapwing(['kube', 'apply', manifests])).toMatch(/ 0 created, 0 changed, \d+ unchanged\n$/)
    const changed = join(folder, 'changed.yaml')
    await writeFile(changed, (await readFile(manifests, 'utf8')).replace('schedule: 0 3 * * *', 'schedule: 0 4 * * *'))
    const change = '  spec.schedule: "0 3 * * *" -> "0 4 * * *"\n'
    expect(await lapwing(['kube', 'apply', changed, '--dry-run'])).toContain(change)
    expect(await lapwing(['kube', 'apply', changed])).toContain(change)
    await expect(lapwing(['kube', 'apply', join(chart, 'Chart.yaml')])).rejects.toMatchObject({ code: 2 })
  })

  test('changes the configuration, and every pod is replaced by one that is ready', async () => {
    const before = await pods()
    const file = join(folder, 'lapwing.yaml')
    await writeFile(file, 'detector: {window_minutes: 30}\n')
    const changed = await lapwing(['kube', 'config', 'set', file, ...namespace])
    expect(changed).toContain('ConfigMap lapwing: changed\nDeployment lapwing-alerter: pods are replaced\n')
    await replaced(before)
    expect(await lapwing(['kube', 'config', 'show', ...namespace])).toBe('detector: {window_minutes: 30}\n')
    await writeFile(file, 'detector: {window: 30}\n')
    await expect(lapwing(['kube', 'config', 'set', file, ...namespace])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('lapwing.yaml:1: detector.window: unknown key'),
    })
  })

  test('sets a secret, and the pods of that service alone are replaced', async () => {
    const variable = 'LAPWING__ALERTER__SLACK_WEBHOOK_URL'
    const before = await pods()
    const set = await lapwing(['kube', 'secret', 'set', 'alerter', variable, ...namespace], 'https://canary\n')
    expect(set).toBe(`Secret lapwing-alerter: ${variable} is set\nDeployment lapwing-alerter: pods are replaced\n`)
    const stored = await cluster.kubectl(['get', 'secret', 'lapwing-alerter', ...namespace, '-o', `jsonpath={.data.${variable}}`])
    expect(Buffer.from(stored, 'base64').toString()).toBe('https://canary')
    await replaced(before.filter((pod) => pod.startsWith('lapwing-alerter-')))
    const others = before.filter((pod) => !pod.startsWith('lapwing-alerter-'))
    expect(await pods()).toEqual(expect.arrayContaining(others))
  })

  test('lists, suspends, resumes and runs CronJobs', async () => {
    const name = 'lapwing-nightly-topics'
    const cronJob = (...args: string[]) => lapwing(['kube', 'cronjob', ...args, ...namespace])
    expect(await cronJob('list')).toMatch(new RegExp(`^${name} +0 4 \\* \\* \\* Etc/UTC +on +never$`, 'm'))
    expect(await cronJob('suspend', name)).toBe(`${name}: suspended\n`)
    expect(await cronJob('list')).toContain('suspended')
    expect(await cronJob('resume', name)).toBe(`${name}: on\n`)
    const [, job] = (await cronJob('run', name)).match(/^Job (\S+): created\n$/)!
    await cluster.kubectl(['wait', '--for=condition=complete', `job/${job}`, ...namespace, '--timeout=60s'])
    await eventually(async () => new RegExp(`^${name} .* \\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z$`, 'm').test(await cronJob('list')), {
      what: 'its success is listed',
      deadlineMs: 60_000,
    })
    // A pod that is done is no trouble.
    expect(await lapwing(['kube', 'status', ...namespace])).toContain(`${job}-`)
    await expect(cronJob('run', 'nothing')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no CronJob of this name'),
    })
  })

  async function available(): Promise<void> {
    await cluster.kubectl(['wait', '--for=condition=Available', 'deployments', '--all', ...namespace, '--timeout=120s'])
  }

  async function pods(): Promise<string[]> {
    const running = ['--field-selector', 'status.phase=Running', '-o', 'jsonpath={.items[*].metadata.name}']
    return (await cluster.kubectl(['get', 'pods', ...namespace, ...running])).split(' ')
  }

  async function replaced(old: readonly string[]): Promise<void> {
    expect(old.length).toBeGreaterThan(1)
    const isOver = async () => (await pods()).every((pod) => !old.includes(pod))
    await eventually(isOver, { what: `${old.join(', ')} are replaced`, deadlineMs: 120_000 })
    await available()
  }
})
