/**
 * What happened to a pod, read from its status alone: which container ended and why, that it is not ready, that it was evicted.
 *
 * Every event bears the cluster's own time and an identity made of what happened, so it does not matter how often or by whom a status is seen. Of the
 * endings of a container the status holds the newest only: of two between two looks the first is not told.
 */
import { createHash } from 'node:crypto'
import type { V1ContainerStateTerminated, V1ContainerStatus, V1Pod, V1PodCondition } from '@kubernetes/client-node'
import type { PodEvent } from '@lapwing/contracts/records'

/** @param nowMs for an eviction, which has no time of its own in older clusters */
export function podEvents({ metadata, spec, status }: V1Pod, nowMs: number): PodEvent[] {
  const common = {
    ...{ namespace: metadata?.namespace ?? '', pod: metadata?.name ?? '', node: spec?.nodeName ?? '' },
    ...{ container: '', reason: '', exitCode: 0, restarts: 0, message: '' },
  }
  const event = (kind: PodEvent['kind'], atMs: number, facts: Partial<PodEvent>): PodEvent => {
    const what = { ...common, ...facts, kind, atMs }
    return { ...what, id: identity(metadata?.uid ?? '', kind, what.container, kind === 'evicted' ? '' : atMs) }
  }
  const conditions = status?.conditions ?? []
  // By the node (which says so in the status), or by a drain, a preemption or the loss of the node (which do not).
  const disruption = find(conditions, 'DisruptionTarget', 'True')
  if (status?.reason === 'Evicted' || disruption) {
    const { reason, message } = status?.reason === 'Evicted' ? status : disruption!
    return [event('evicted', timeOf(disruption) ?? nowMs, { reason: reason ?? '', message: cut(message) })]
  }
  const notReady = status?.phase === 'Running' && !metadata?.deletionTimestamp ? find(conditions, 'Ready', 'False') : undefined
  const notReadyMs = timeOf(notReady)
  return [
    ...(status?.containerStatuses ?? []).flatMap((container) =>
      endings(container).map((ended) => event('container_ended', ended.atMs, ended)),
    ),
    ...(notReadyMs === undefined
      ? []
      : [event('not_ready', notReadyMs, { reason: notReady?.reason ?? '', message: cut(notReady?.message) })]),
  ]
}

/** The last end of a container that was to go on: one that ended well and was not started again has done its work. */
function endings({ name, state, lastState, restartCount }: V1ContainerStatus): (Partial<PodEvent> & { atMs: number })[] {
  const ended: V1ContainerStateTerminated | undefined = state?.terminated ?? lastState?.terminated
  const atMs = millisOf(ended?.finishedAt)
  if (!ended || !atMs || (ended.exitCode === 0 && restartCount === 0)) return []
  const { reason = '', exitCode, message } = ended
  return [{ container: name, reason, exitCode, restarts: restartCount, message: cut(message), atMs }]
}

function find(conditions: readonly V1PodCondition[], type: string, status: string): V1PodCondition | undefined {
  return conditions.find((condition) => condition.type === type && condition.status === status)
}

function timeOf(condition: V1PodCondition | undefined): number | undefined {
  return millisOf(condition?.lastTransitionTime)
}

/** A list has dates, a watch has their text. */
function millisOf(time: Date | string | undefined): number | undefined {
  const atMs = time ? new Date(time).getTime() : Number.NaN
  return Number.isFinite(atMs) ? atMs : undefined
}

const longestMessage = 500

function cut(text = ''): string {
  return [...text].slice(0, longestMessage).join('')
}

function identity(...parts: (string | number)[]): string {
  return createHash('sha256').update(parts.join('/')).digest('hex').slice(0, 32)
}
