/** `lapwing kube status`: what is wrong with a pod, by what the cluster says of it. */
import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node'
import { jsonLine, textTable } from '../terminal/text-table.ts'
import type { Cluster } from './cluster.ts'

export interface PodRow {
  readonly pod: string
  readonly component: string
  readonly node: string
  readonly ready: boolean
  readonly restarts: number
  /** Sentences; empty when all is well. */
  readonly problems: readonly string[]
}

/** False when something is wrong, or nothing runs. */
export async function showStatus(cluster: Cluster, { json }: { readonly json: boolean }): Promise<boolean> {
  const pods = (await cluster.list('v1', 'Pod', 'app.kubernetes.io/part-of=lapwing')) as unknown as V1Pod[]
  const rows = pods.map(podRow)
  const headings = ['pod', 'service', 'node', 'ready', 'restarts', 'problems']
  const table = textTable(
    headings.map((heading) => ({ heading, align: heading === 'restarts' ? 'right' : 'left' })),
    rows.map(({ pod, component, node, ready, restarts, problems }) => [
      pod,
      component,
      node,
      ready ? 'yes' : 'no',
      String(restarts),
      problems.join('; '),
    ]),
  )
  cluster.write(json ? rows.map(jsonLine).join('') : rows.length > 0 ? table : `no pods of Lapwing in ${cluster.namespace}\n`)
  return rows.length > 0 && rows.every(({ problems }) => problems.length === 0)
}

export function podRow({ metadata, spec, status }: V1Pod): PodRow {
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
  const isDone = status?.phase === 'Succeeded'
  const ready = isDone || (status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True')
  const scheduling = (status?.conditions ?? []).find(({ type, status }) => type === 'PodScheduled' && status === 'False')
  const problems = [
    ...(status?.reason === 'Evicted' ? [`evicted: ${status.message ?? 'the node was short of something'}`] : []),
    ...(scheduling ? [`cannot be placed: ${scheduling.message ?? scheduling.reason}`] : []),
    ...containers.flatMap(containerProblems),
  ]
  return {
    pod: metadata?.name ?? '',
    component: metadata?.labels?.['app.kubernetes.io/component'] ?? '',
    node: spec?.nodeName ?? '',
    ready,
    restarts: containers.reduce((sum, { restartCount }) => sum + restartCount, 0),
    problems: problems.length > 0 || ready ? problems : [`not ready (${status?.phase ?? 'unknown'})`],
  }
}

function containerProblems({ name, state, lastState }: V1ContainerStatus): string[] {
  const ended = state?.terminated ?? lastState?.terminated
  return [
    ...(state?.waiting && state.waiting.reason !== 'ContainerCreating' ? [`${name} waits: ${state.waiting.reason}`] : []),
    ...(ended?.reason === 'OOMKilled' ? [`${name} was ended for taking more memory than its limit`] : []),
    ...(ended && ended.reason !== 'OOMKilled' && ended.exitCode !== 0 ? [`${name} ended with exit code ${ended.exitCode}`] : []),
  ]
}
