/** Pods that a cluster takes away, as `lapwing pods` tells them on a real Kafka with the account that the chart gives it: by a drain, by a node that is lost. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decode } from '@lapwing/contracts/codec'
import type { PodEvent } from '@lapwing/contracts/records'
import { topicName } from '@lapwing/contracts/topics'
import { startTestBroker, type TestBroker } from '@lapwing/kafka-server/test-broker'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import type { Log } from '@lapwing/stream/log'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { eventually } from '../eventually.ts'
import { type ServiceProcess, startService } from '../faults/harness/service-process.ts'
import { type Cluster, clusterTools, startCluster } from './cluster.ts'
import { restrictedNamespace } from './cluster-commands.ts'
import { kubeconfigOf } from './kubernetes-api.ts'
import { absentTools } from './tools.ts'

const chart = fileURLToPath(new URL('../../deploy/helm/lapwing', import.meta.url))
const absent = absentTools('the test of pods that a cluster takes away', [...clusterTools, 'java'])

describe.skipIf(absent.length > 0)('pods that a cluster takes away', () => {
  let cluster: Cluster
  let broker: TestBroker
  let log: Log
  let folder: string
  let pods: ServiceProcess

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lapwing-pods-'))
    ;[cluster, broker] = await Promise.all([startCluster(), startTestBroker(process.env)])
    log = createKafkaLog({ brokers: broker.server.brokers, clientId: 'test', logger: silent })
    await cluster.apply(restrictedNamespace('metrics'), restrictedNamespace('shop'), deployment)
    const values = 'kafka.brokers={kafka:9092},pods.enabled=true,pods.namespaces={shop}'
    await cluster.helm(['install', 'lw', chart, '--namespace', 'metrics', '--set', values, '--no-hooks'])
    await cluster.kubectl(['rollout', 'status', 'deployment/cart', '--namespace', 'shop', '--timeout=120s'])
    pods = await startPods()
    await pods.ready
  }, 300_000)

  afterAll(async () => {
    await pods?.stop()
    await log?.close()
    await broker?.remove()
    await cluster?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test('one that is not ready, with the reason of the node', async () => {
    const [pod] = await cart()
    const condition = { type: 'Ready', status: 'False', reason: 'ContainersNotReady', lastTransitionTime: new Date() }
    const patch = ['--subresource=status', '-p', JSON.stringify({ status: { conditions: [condition] } })]
    await cluster.kubectl(['patch', 'pod', pod!.name, '--namespace', 'shop', ...patch])
    await told({ kind: 'not_ready', pod: pod!.name, node: pod!.node, reason: 'ContainersNotReady' })
  })

  test('one that a drain evicts', async () => {
    const [pod] = await cart()
    await cluster.kubectl(['drain', pod!.node, '--pod-selector=app=cart', '--timeout=120s'])
    await told({ kind: 'evicted', pod: pod!.name, node: pod!.node, reason: 'EvictionByEvictionAPI' })
    await cluster.kubectl(['uncordon', pod!.node])
  })

  test('one that goes with its node', async () => {
    await cluster.kubectl(['rollout', 'status', 'deployment/cart', '--namespace', 'shop', '--timeout=120s'])
    const [pod] = await cart()
    await cluster.kubectl(['taint', 'node', pod!.node, 'node.kubernetes.io/out-of-service=nodeshutdown:NoExecute'])
    await told({ kind: 'evicted', pod: pod!.name, node: pod!.node, reason: 'DeletionByTaintManager' })
  })

  /** With the rights of the account that the chart makes, and no more. */
  async function startPods(): Promise<ServiceProcess> {
    const token = await cluster.kubectl(['create', 'token', 'lw-lapwing-pods', '--namespace', 'metrics'])
    const kubeconfig = join(folder, 'kubeconfig')
    await writeFile(kubeconfig, kubeconfigOf(cluster.server, token.trim()))
    return startService({
      main: 'services/ingestor/src/pods/main.ts',
      settings: ['pods.port=0', 'kafka.partitions=2', 'pods.namespaces=["shop"]'],
      environment: { KAFKA_BROKERS: broker.server.brokers.join(','), KUBECONFIG: kubeconfig },
    })
  }

  async function cart(): Promise<{ readonly name: string; readonly node: string }[]> {
    const path = 'jsonpath={range .items[*]}{.metadata.name} {.spec.nodeName}{"\\n"}{end}'
    const lines = (await cluster.kubectl(['get', 'pods', '--namespace', 'shop', '-o', path])).trim().split('\n')
    return lines.map((line) => ({ name: line.split(' ')[0]!, node: line.split(' ')[1]! }))
  }

  async function told(event: Partial<PodEvent>): Promise<void> {
    await eventually(
      async () => {
        const events = (await log.readToEnd(topicName('lapwing', 'pod-events'))).map(({ value }) => decode('PodEvent', value!))
        expect(events).toContainEqual(expect.objectContaining({ namespace: 'shop', ...event }))
        return true
      },
      { what: `${JSON.stringify(event)} is on the log`, deadlineMs: 60_000 },
    )
  }
})

const deployment = stringify({
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'cart', namespace: 'shop' } },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'cart' } },
    template: {
      metadata: { labels: { app: 'cart' } },
      spec: {
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          { name: 'app', image: 'cart', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
        ],
      },
    },
  },
})

const silent = { debug: () => {}, warn: () => {}, error: () => {} }
