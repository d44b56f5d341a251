/** What is wrong with a pod, by what the cluster says of it. */
import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node'

export interface PodRow {
  readonly pod: string
  readonly component: string
  readonly node: string
  readonly ready: boolean
  readonly restarts: number
  /** Sentences; empty when all is well. */
  readonly problems: readonly string[]
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
