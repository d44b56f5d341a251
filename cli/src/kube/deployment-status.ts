/** How many pods a Deployment has of those that it is to have, and why it gets no more: a pod that was never made cannot say so itself. */
import type { V1Deployment } from '@kubernetes/client-node'

export interface DeploymentRow {
  readonly deployment: string
  readonly wanted: number
  readonly ready: number
  /** Sentences; empty when all is well. */
  readonly problems: readonly string[]
}

export function deploymentRow({ metadata, spec, status }: V1Deployment): DeploymentRow {
  // As the server completes a Deployment that does not say how many.
  const wanted = spec?.replicas ?? 1
  const ready = status?.readyReplicas ?? 0
  const condition = (type: string, value: string) =>
    (status?.conditions ?? []).find((condition) => condition.type === type && condition.status === value)
  const refused = condition('ReplicaFailure', 'True')
  const stuck = condition('Progressing', 'False')
  const problems = [
    ...(refused ? [`pods are not made: ${refused.message ?? refused.reason}`] : []),
    ...(stuck ? [`does not get on: ${stuck.message ?? stuck.reason}`] : []),
  ]
  return {
    ...{ deployment: metadata?.name ?? '', wanted, ready },
    problems: problems.length > 0 || ready >= wanted ? problems : [`${wanted - ready} not ready`],
  }
}
