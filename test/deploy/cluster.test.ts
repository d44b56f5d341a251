/** The chart on a cluster whose Deployments get pods, in a namespace that takes restricted pods only and counts what they take: from installation until nothing is left. */
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { type Cluster, clusterTools, nodes, startCluster } from './cluster.ts'
import { restrictedNamespace } from './cluster-commands.ts'
import { absentTools } from './tools.ts'

const chart = fileURLToPath(new URL('../../deploy/helm/lapwing', import.meta.url))
const absent = absentTools('the test of the chart on a cluster', clusterTools)

const namespace = ['--namespace', 'metrics']
const values = [
  ...['--set', 'kafka.brokers={kafka:9092}', '--set', 'resourceQuota.enabled=true'],
  ...['--set', 'cronJobs.daily-report.enabled=true', '--set', 'pods.enabled=true'],
]
const waiting = ['--wait', '--timeout', '2m']

describe.skipIf(absent.length > 0)('the chart on a cluster', () => {
  let cluster: Cluster

  beforeAll(async () => {
    cluster = await startCluster()
    await cluster.apply(restrictedNamespace('metrics'))
  }, 300_000)
  afterAll(() => cluster?.stop())

  test('is installed, and every pod becomes ready under the quota', async () => {
    expect(await cluster.helm(['install', 'lw', chart, ...namespace, ...values, ...waiting])).not.toMatch(
      /would violate PodSecurity/,
    )
    const said = await cluster.lapwing(['kube', 'status', ...namespace])
    const counts = {
      alerter: '2/2',
      detector: '2/2',
      drift: '1/1',
      ingestor: '2/2',
      pods: '1/1',
      reporter: '1/1',
      trainer: '1/1',
    }
    for (const [service, count] of Object.entries(counts))
      expect(said).toMatch(new RegExp(`^lw-lapwing-${service} +${count}$`, 'm'))
    expect(said.match(/^lw-lapwing-\w+-\w+-\w+ .* yes +0$/gm)).toHaveLength(10)
    for (const service of ['alerter', 'detector', 'ingestor']) expect(new Set(await nodesOf(service)).size).toBe(2)
    expect(await ask('persistentvolumeclaims', '{.items[*].status.phase}')).toBe('Bound Bound')
    const used = { pods: '10', 'requests.cpu': '2100m', 'requests.memory': '4736Mi', 'limits.memory': '11776Mi' }
    await eventually(async () => isDeepStrictEqual(JSON.parse(await ask('resourcequota/lw-lapwing', '{.status.used}')), used), {
      what: 'the quota counts every pod',
      deadlineMs: 60_000,
    })
  })

  test('is upgraded to more replicas and rolled back, with as many pods ready each time', async () => {
    await upgrade('detector.replicaCount=5', ...waiting)
    expect(await cluster.lapwing(['kube', 'status', ...namespace])).toMatch(/^lw-lapwing-detector +5\/5$/m)
    await cluster.helm(['rollback', 'lw', '1', ...namespace, ...waiting])
    expect(await cluster.lapwing(['kube', 'status', ...namespace])).toMatch(/^lw-lapwing-detector +2\/2$/m)
  })

  test('has pods that the quota does not let it make told by lapwing kube status', async () => {
    await upgrade('resourceQuota.hard.pods=11')
    const isInForce = async () => (await ask('resourcequota/lw-lapwing', '{.status.hard.pods}')) === '11'
    await eventually(isInForce, { what: 'the smaller quota is in force', deadlineMs: 60_000 })
    await upgrade('resourceQuota.hard.pods=11,detector.replicaCount=4')
    const said = await statusWhen(/^lw-lapwing-detector +3\/4 +pods are not made: .*exceeded quota: lw-lapwing/m)
    // Every pod that is there is well.
    expect(said.match(/^lw-lapwing-\w+-\w+-\w+ .* yes +0$/gm)).toHaveLength(11)
    await cluster.helm(['rollback', 'lw', '1', ...namespace, ...waiting])
  })

  test('keeps what runs when new pods cannot be placed, and goes back', async () => {
    const nowhere = 'detector.nodeSelector.disk=none,ingestor.nodeSelector.disk=none'
    await upgrade(nowhere)
    const said = await statusWhen(/^lw-lapwing-detector-\S+ +detector +no +0 +cannot be placed: 0\/4 nodes are available/m)
    expect(said).toMatch(/^lw-lapwing-detector +1\/2 /m)
    expect(said).toMatch(/^lw-lapwing-ingestor +2\/2$/m)
    await cluster.helm(['rollback', 'lw', '1', ...namespace, ...waiting])
    expect(await cluster.lapwing(['kube', 'status', ...namespace])).toMatch(/^lw-lapwing-detector +2\/2$/m)
  })

  test('is tested by a pod that the quota takes', async () => {
    const tested = cluster.helm(['test', 'lw', ...namespace, '--timeout', '2m']).catch(({ stdout, stderr }) => stdout + stderr)
    const there = eventually(() => ask('pod/lw-lapwing-test', '{.metadata.name}'), {
      what: 'the pod is there',
      deadlineMs: 60_000,
    })
    await Promise.race([there, tested.then((said) => Promise.reject(new Error(String(said))))])
    // Nothing runs in it that could end.
    const done = ['--subresource=status', '--type=merge', '-p', '{"status":{"phase":"Succeeded"}}']
    await cluster.kubectl(['patch', 'pod', 'lw-lapwing-test', ...namespace, ...done])
    expect(await tested).toMatch(/Phase: +Succeeded/)
  })

  test('gives up one replica of a service at a time when nodes are drained', async () => {
    await cluster.kubectl(['cordon', ...nodes])
    const [first, second] = (
      await ask('pods', '{.items[*].metadata.name}', ['-l', 'app.kubernetes.io/component=detector'])
    ).split(' ')
    // The budget may still count pods of the test before.
    await eventually(() => evict(first!).then(() => true), { what: 'the first may go', deadlineMs: 60_000 })
    await statusWhen(/^lw-lapwing-detector-\S+ +detector +no +0 +cannot be placed: 0\/4 nodes are available/m)
    await expect(evict(second!)).rejects.toMatchObject({
      stderr: expect.stringMatching(/would violate the pod's disruption budget/),
    })
    const [last, ...others] = nodes
    await cluster.kubectl(['uncordon', last])
    await cluster.kubectl(['drain', ...others, '--timeout=120s', '--delete-emptydir-data'])
    await available()
    const places = await ask('pods', '{.items[*].spec.nodeName}', ['--field-selector', 'status.phase=Running'])
    expect(new Set(places.split(' '))).toEqual(new Set([last]))
    await cluster.kubectl(['uncordon', ...others])
  })

  test('leaves its claims when it goes, and takes them again when it comes; where nodes have zones, replicas are in both', async () => {
    expect((await left()).length).toBeGreaterThan(40)
    const claims = () => ask('persistentvolumeclaims', '{range .items[*]}{.metadata.name}={.spec.volumeName} {end}')
    const before = await claims()
    await cluster.helm(['uninstall', 'lw', ...namespace, ...waiting])
    const what = 'nothing but the claims is left'
    await eventually(async () => (await left()).every((name) => name.startsWith('persistentvolumeclaim/')), {
      what,
      deadlineMs: 60_000,
    })
    expect(await claims()).toBe(before)
    const zones: Readonly<Record<string, string>> = { 'node-1': 'a', 'node-2': 'a', 'node-3': 'b', 'node-4': 'b' }
    for (const [node, zone] of Object.entries(zones))
      await cluster.kubectl(['label', 'node', node, `topology.kubernetes.io/zone=${zone}`])
    await cluster.helm(['install', 'lw', chart, ...namespace, ...values, ...waiting])
    expect(await claims()).toBe(before)
    for (const service of ['alerter', 'detector', 'ingestor'])
      expect((await nodesOf(service)).map((node) => zones[node]).sort()).toEqual(['a', 'b'])
    expect(before).toMatch(/^lw-lapwing-reporter=volume-\d lw-lapwing-trainer=volume-\d $/)
  })

  async function upgrade(set: string, ...more: readonly string[]): Promise<void> {
    await cluster.helm(['upgrade', 'lw', chart, ...namespace, ...values, '--set', set, ...more])
  }

  async function nodesOf(service: string): Promise<string[]> {
    return (await ask('pods', '{.items[*].spec.nodeName}', ['-l', `app.kubernetes.io/component=${service}`])).split(' ')
  }

  /** A field of what kubectl finds, as jsonpath. */
  function ask(what: string, path: string, more: readonly string[] = []): Promise<string> {
    return cluster.kubectl(['get', what, ...namespace, ...more, '-o', `jsonpath=${path}`])
  }

  /** What a drain asks for each pod. */
  async function evict(pod: string): Promise<void> {
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace: 'metrics' } }
    const path = `/api/v1/namespaces/metrics/pods/${pod}/eviction`
    await cluster.kubectl(['create', '--raw', path, '-f', '-'], JSON.stringify(eviction))
  }

  async function available(): Promise<void> {
    await cluster.kubectl(['wait', '--for=condition=Available', 'deployments', '--all', ...namespace, '--timeout=120s'])
  }

  /** What it prints once that is said; with the exit code of something wrong. */
  async function statusWhen(said: RegExp): Promise<string> {
    return eventually(
      async () => {
        const outcome = await cluster.lapwing(['kube', 'status', ...namespace]).catch((error) => error)
        return outcome.code === 1 && said.test(outcome.stdout) && (outcome.stdout as string)
      },
      { what: `kube status says ${said}`, deadlineMs: 60_000 },
    )
  }

  /** Every object that bears the name of the release, of all kinds that the server has. */
  async function left(): Promise<string[]> {
    const kinds = (await cluster.kubectl(['api-resources', '--namespaced', '--verbs=list', '-o', 'name'])).trim().split('\n')
    const listed = kinds.filter((kind) => !kind.startsWith('events'))
    const names = await cluster.kubectl(['get', listed.join(','), ...namespace, '-o', 'name'])
    return names.split('\n').filter((name) => name.includes('lw'))
  }
})
