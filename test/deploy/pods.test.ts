/** Pods of a real API server that are killed, evicted and not ready, as `lapwing pods` tells them on a real Kafka; with the rights that it needs and no more. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decode } from '@lapwing/contracts/codec'
import type { PodEvent } from '@lapwing/contracts/records'
import { topicName } from '@lapwing/contracts/topics'
import { startTestBroker, type TestBroker } from '@lapwing/kafka-server/test-broker'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import type { Log } from '@lapwing/stream/log'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { type ServiceProcess, startService } from '../faults/harness/service-process.ts'
import { commandsOn } from './cluster-commands.ts'
import { apiTools, type KubernetesApi, startKubernetesApi, withoutControllers } from './kubernetes-api.ts'
import { absentTools } from './tools.ts'

const absent = absentTools('the test of pods as a source', [...apiTools, 'java'])
const endedAt = new Date(Math.floor(Date.now() / 1000) * 1000 - 60_000)

describe.skipIf(absent.length > 0)('pods of a cluster', () => {
  let api: KubernetesApi
  let broker: TestBroker
  let log: Log
  let folder: string
  let pods: ServiceProcess

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lapwing-pods-'))
    api = await startKubernetesApi(withoutControllers)
    broker = await startTestBroker(process.env)
    log = createKafkaLog({ brokers: broker.server.brokers, clientId: 'test', logger: silent })
    await kubectl(['create', 'namespace', 'shop'])
    await createPod('cart-1')
    pods = startPods()
    await pods.ready
  }, 300_000)

  afterAll(async () => {
    await pods?.stop()
    await log?.close()
    await broker?.remove()
    await api?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test('a container killed for its memory is told with reason, exit code and the time of the cluster', async () => {
    const terminated = { exitCode: 137, reason: 'OOMKilled', startedAt: endedAt, finishedAt: endedAt }
    const container = { name: 'app', image: 'app', imageID: '', ready: true, restartCount: 4, lastState: { terminated } }
    await setStatus('cart-1', {
      phase: 'Running',
      containerStatuses: [{ ...container, state: { running: { startedAt: endedAt } } }],
    })
    expect(await told('container_ended')).toMatchObject([
      {
        ...{ namespace: 'shop', pod: 'cart-1', container: 'app', reason: 'OOMKilled' },
        ...{ exitCode: 137, restarts: 4, atMs: endedAt.getTime() },
      },
    ])
  })

  test('a pod that is not ready, and one that is evicted', async () => {
    await createPod('cart-2')
    const conditions = [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady', lastTransitionTime: endedAt }]
    await setStatus('cart-2', { phase: 'Running', conditions })
    expect(await told('not_ready')).toMatchObject([{ pod: 'cart-2', reason: 'ContainersNotReady', atMs: endedAt.getTime() }])
    await createPod('cart-3')
    await setStatus('cart-3', { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' })
    expect(await told('evicted')).toMatchObject([{ pod: 'cart-3', message: 'The node was low on resource: memory.' }])
  })

  test('a second process tells the same under the same identity, and both say that they are ready', async () => {
    const before = await eventsOnLog()
    await pods.stop()
    pods = startPods()
    const url = await pods.ready
    await eventually(async () => (await fetch(`${url}/readyz`)).ok, { what: 'it is ready', deadlineMs: 60_000 })
    const events = await eventually(
      async () => {
        const now = await eventsOnLog()
        return now.length >= 2 * before.length && now
      },
      { what: 'the pods are told again', deadlineMs: 60_000 },
    )
    expect(new Set(events.map(({ id }) => id))).toEqual(new Set(before.map(({ id }) => id)))
  })

  function startPods(): ServiceProcess {
    return startService({
      main: 'services/ingestor/src/pods/main.ts',
      settings: ['pods.port=0', 'kafka.partitions=2', 'pods.namespaces=["shop"]'],
      environment: { KAFKA_BROKERS: broker.server.brokers.join(','), KUBECONFIG: api.kubeconfig },
    })
  }

  async function eventsOnLog(): Promise<PodEvent[]> {
    return (await log.readToEnd(topicName('lapwing', 'pod-events'))).map(({ value }) => decode('PodEvent', value!))
  }

  async function told(kind: PodEvent['kind']): Promise<PodEvent[]> {
    return eventually(
      async () => {
        const found = (await eventsOnLog()).filter((event) => event.kind === kind)
        return found.length > 0 && found
      },
      { what: `${kind} is on the log`, deadlineMs: 60_000 },
    )
  }

  async function createPod(name: string): Promise<void> {
    const file = join(folder, `${name}.json`)
    const metadata = { name, namespace: 'shop' }
    await writeFile(
      file,
      JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [{ name: 'app', image: 'app' }] } }),
    )
    await kubectl(['create', '-f', file])
  }

  /** What a kubelet would write. */
  async function setStatus(name: string, status: object): Promise<void> {
    await kubectl(['patch', 'pod', name, '-n', 'shop', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })])
  }

  async function kubectl(args: readonly string[]): Promise<void> {
    await commandsOn(api.kubeconfig).kubectl(args)
  }
})

const silent = { debug: () => {}, warn: () => {}, error: () => {} }
