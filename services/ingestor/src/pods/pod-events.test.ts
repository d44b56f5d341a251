import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node'
import { describe, expect, test } from 'vitest'
import { podEvents } from './pod-events.ts'

const nowMs = Date.parse('2026-03-02T10:00:00Z')
const endedAt = new Date('2026-03-02T09:57:00Z')

describe('podEvents', () => {
  test('a healthy pod has none, and neither has a job that is done', () => {
    expect(podEvents(podWith({ containerStatuses: [container({ state: { running: {} } })] }), nowMs)).toEqual([])
    const done = container({ state: { terminated: { exitCode: 0, reason: 'Completed', finishedAt: endedAt } } })
    expect(podEvents(podWith({ phase: 'Succeeded', containerStatuses: [done] }), nowMs)).toEqual([])
  })

  test('a container that was killed for its memory and runs again has ended, with the reason and how often', () => {
    const killed = { terminated: { exitCode: 137, reason: 'OOMKilled', finishedAt: endedAt } }
    const status = container({ restartCount: 4, state: { running: {} }, lastState: killed })
    expect(podEvents(podWith({ containerStatuses: [status] }), nowMs)).toMatchObject([
      {
        ...{ kind: 'container_ended', namespace: 'shop', pod: 'cart-1', container: 'app', node: 'node-7' },
        ...{ reason: 'OOMKilled', exitCode: 137, restarts: 4, atMs: endedAt.getTime() },
      },
    ])
  })

  test('the same end has the same identity before and after the container is started again; another end has another', () => {
    const killed = { terminated: { exitCode: 1, reason: 'Error', finishedAt: endedAt } }
    const idOf = (status: Partial<V1ContainerStatus>) =>
      podEvents(podWith({ containerStatuses: [container(status)] }), nowMs)[0]!.id
    const before = idOf({ restartCount: 0, state: killed })
    expect(idOf({ restartCount: 1, state: { running: {} }, lastState: killed })).toBe(before)
    const later = { terminated: { exitCode: 1, reason: 'Error', finishedAt: new Date(nowMs) } }
    expect(idOf({ restartCount: 2, state: { running: {} }, lastState: later })).not.toBe(before)
  })

  test('a running pod that is not ready is told since when, one that is being deleted is not', () => {
    const conditions = [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady', lastTransitionTime: endedAt }]
    const pod = podWith({ conditions })
    expect(podEvents(pod, nowMs)).toMatchObject([{ kind: 'not_ready', reason: 'ContainersNotReady', atMs: endedAt.getTime() }])
    const leaving = { ...pod, metadata: { ...pod.metadata, deletionTimestamp: endedAt } }
    expect(podEvents(leaving, nowMs)).toEqual([])
  })

  test('an eviction is told once whatever the time, with the words of the cluster, cut', () => {
    const evicted = podWith({ phase: 'Failed', reason: 'Evicted', message: `The node was low on memory. ${'x'.repeat(5000)}` })
    const [first] = podEvents(evicted, nowMs)
    expect(first).toMatchObject({ kind: 'evicted', message: expect.stringMatching(/^The node was low on memory/), atMs: nowMs })
    expect(first!.message).toHaveLength(500)
    expect(podEvents(evicted, nowMs + 1000)[0]!.id).toBe(first!.id)
  })

  test('a pod that is drained, preempted or lost with its node is evicted, with what the cluster says of it', () => {
    const message = 'Eviction API: evicting'
    const disruption = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message }
    const pod = podWith({ conditions: [{ ...disruption, lastTransitionTime: endedAt }] })
    const leaving = { ...pod, metadata: { ...pod.metadata, deletionTimestamp: new Date(nowMs) } }
    const [event, ...more] = podEvents(leaving, nowMs)
    expect(event).toMatchObject({ kind: 'evicted', reason: 'EvictionByEvictionAPI', message, atMs: endedAt.getTime() })
    expect(more).toEqual([])
    expect(podEvents(podWith({ conditions: [{ ...disruption, status: 'False' }] }), nowMs)).toEqual([])
  })

  test('a pod of which nothing is known yet has none', () => expect(podEvents({}, nowMs)).toEqual([]))
})

function podWith(status: NonNullable<V1Pod['status']>): V1Pod {
  return {
    metadata: { name: 'cart-1', namespace: 'shop', uid: 'u-1' },
    spec: { nodeName: 'node-7', containers: [] },
    status: { phase: 'Running', ...status },
  }
}

function container(status: Partial<V1ContainerStatus>): V1ContainerStatus {
  return { name: 'app', image: 'app', imageID: '', ready: true, restartCount: 0, ...status }
}
