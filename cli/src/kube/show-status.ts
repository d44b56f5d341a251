/** `lapwing kube status`: Deployments and pods, and what is wrong with them. */
import type { V1Deployment, V1Pod } from '@kubernetes/client-node'
import { jsonLine, textTable } from '../terminal/text-table.ts'
import type { Cluster } from './cluster.ts'
import { type DeploymentRow, deploymentRow } from './deployment-status.ts'
import { type PodRow, podRow } from './pod-status.ts'

const ofLapwing = 'app.kubernetes.io/part-of=lapwing'

/** False when something is wrong, or nothing is there. */
export async function showStatus(cluster: Cluster, { json }: { readonly json: boolean }): Promise<boolean> {
  const deployments = (await cluster.list('apps/v1', 'Deployment', ofLapwing)) as unknown as V1Deployment[]
  const pods = (await cluster.list('v1', 'Pod', ofLapwing)) as unknown as V1Pod[]
  const rows = { deployments: deployments.map(deploymentRow), pods: pods.map(podRow) }
  const all = [...rows.deployments, ...rows.pods]
  cluster.write(json ? all.map(jsonLine).join('') : tables(rows, cluster.namespace))
  return all.length > 0 && all.every(({ problems }) => problems.length === 0)
}

interface Rows {
  readonly deployments: readonly DeploymentRow[]
  readonly pods: readonly PodRow[]
}

function tables({ deployments, pods }: Rows, namespace: string): string {
  const ofDeployments = textTable(
    columns(['deployment', 'ready', 'problems']),
    deployments.map(({ deployment, ready, wanted, problems }) => [deployment, `${ready}/${wanted}`, problems.join('; ')]),
  )
  const ofPods = textTable(
    columns(['pod', 'service', 'node', 'ready', 'restarts', 'problems']),
    pods.map(({ pod, component, node, ready, restarts, problems }) => [
      ...[pod, component, node, ready ? 'yes' : 'no', String(restarts)],
      problems.join('; '),
    ]),
  )
  const noPods = `no pods of Lapwing in ${namespace}\n`
  return [...(deployments.length > 0 ? [ofDeployments] : []), pods.length > 0 ? ofPods : noPods].join('\n')
}

function columns(headings: readonly string[]): { readonly heading: string; readonly align: 'left' | 'right' }[] {
  return headings.map((heading) => ({ heading, align: heading === 'restarts' ? 'right' : 'left' }))
}
