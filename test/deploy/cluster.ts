/**
 * A Kubernetes in which Deployments get pods: real API server, controllers and scheduler, and kwok in the place of kubelets.
 *
 * Pods are placed, become ready, complete (those of a Job) and go as on nodes, and nothing in them runs.
 */
import { readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '@lapwing/kafka-server/free-port'
import { stringify } from 'yaml'
import { eventually } from '../eventually.ts'
import { type ClusterCommands, commandsOn } from './cluster-commands.ts'
import { apiTools, startKubernetesApi } from './kubernetes-api.ts'
import { type Program, startProgram } from './program.ts'
import { toolsFolder } from './tools.ts'

export interface Cluster extends ClusterCommands {
  readonly server: string
  stop(): Promise<void>
}

/** What kwok does to nodes and pods, and when. */
const stages = join(toolsFolder, 'kwok-stages')

export const clusterTools = [...apiTools, 'helm', 'kube-controller-manager', 'kube-scheduler', 'kwok', stages] as const

export const nodes = ['node-1', 'node-2', 'node-3', 'node-4'] as const

export async function startCluster(): Promise<Cluster> {
  const { folder, kubeconfig, server, stop: stopApi } = await startKubernetesApi([])
  const commands = commandsOn(kubeconfig)
  const programs = await startControllers(folder, kubeconfig)
  const stop = async () => {
    await Promise.all(programs.map((program) => program.stop()))
    await stopApi()
  }
  try {
    await commands.apply(...nodes.map(nodeOf), ...volumes)
    await eventually(async () => (await readyNodes(commands)) === nodes.length, {
      what: 'the nodes are ready',
      deadlineMs: 120_000,
    })
    return { ...commands, server, stop }
  } catch (error) {
    const words = await Promise.all(programs.map((program) => program.lastWords()))
    await stop()
    throw new Error(words.join('\n'), { cause: error })
  }
}

async function startControllers(folder: string, kubeconfig: string): Promise<Program[]> {
  const stagesFile = join(folder, 'stages.yaml')
  const files = readdirSync(stages).map((name) => readFile(join(stages, name), 'utf8'))
  await writeFile(stagesFile, (await Promise.all(files)).join('\n---\n'))
  const common = async (name: string) => [
    ...[`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--bind-address=127.0.0.1'],
    ...[`--secure-port=${await freePort()}`, `--cert-dir=${join(folder, name)}`],
  ]
  return [
    startProgram(folder, 'kube-controller-manager', [
      ...(await common('controllers')),
      ...['--authentication-skip-lookup', `--service-account-private-key-file=${folder}/sa.key`],
    ]),
    startProgram(folder, 'kube-scheduler', await common('scheduler')),
    startProgram(folder, 'kwok', [
      ...['--kubeconfig', kubeconfig, '--config', stagesFile, '--manage-all-nodes=true'],
      // Without leases the controllers take the nodes for lost.
      '--node-lease-duration-seconds=40',
      ...['--server-address', `127.0.0.1:${await freePort()}`],
    ]),
  ]
}

/** Taints fall away when the controllers have seen it. */
async function readyNodes({ kubectl }: ClusterCommands): Promise<number> {
  const { items } = JSON.parse(await kubectl(['get', 'nodes', '-o', 'json'])) as { items: { spec: { taints?: object[] } }[] }
  return items.filter(({ spec }) => (spec.taints ?? []).length === 0).length
}

function nodeOf(name: string): string {
  const labels = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' }
  const room = { cpu: '16', memory: '64Gi', pods: '110' }
  return stringify({
    ...{ apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec: {} },
    status: { allocatable: room, capacity: room },
  })
}

/** What a storage class would make for the claims. */
const volumes = [1, 2, 3, 4].map((number) =>
  stringify({
    ...{ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: `volume-${number}` } },
    spec: { capacity: { storage: '10Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: `/volumes/${number}` } },
  }),
)
