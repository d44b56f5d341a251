import type { PodEvent } from '@lapwing/contracts/records'
import { describe, expect, test } from 'vitest'
import { createPodMemory, type PodSeries } from './pod-context.ts'

const startedAtMs = 1_772_445_600_000
const minuteMs = 60_000

describe('the context of an incident', () => {
  test('is what happened to its pods shortly before and since, oldest first, with how long before', () => {
    const memory = memoryOf([
      event({ id: 'b', kind: 'not_ready', reason: 'ContainersNotReady', atMs: startedAtMs + 2 * minuteMs }),
      event({ id: 'a', atMs: startedAtMs - 3 * minuteMs }),
      event({ id: 'c', atMs: startedAtMs - 16 * minuteMs }),
    ])
    expect(memory.contextOf([series()])).toEqual([
      {
        atMs: startedAtMs - 3 * minuteMs,
        text: 'Pod shop/cart-1: container app ended (OOMKilled, exit code 137), restarted 4 times',
        when: '3 min before',
      },
      {
        atMs: startedAtMs + 2 * minuteMs,
        text: 'Pod shop/cart-1: not ready (ContainersNotReady)',
        when: '2 min after it began',
      },
    ])
  })

  test('leaves out what happened after its end, and other pods and namespaces', () => {
    const memory = memoryOf([
      event({ id: 'a', atMs: startedAtMs + 5 * minuteMs }),
      event({ id: 'b', pod: 'cart-2' }),
      event({ id: 'c', namespace: 'stage' }),
    ])
    expect(memory.contextOf([series({ endedAtMs: startedAtMs + 4 * minuteMs })])).toEqual([])
  })

  test('finds the pod under the names that a scrape with labels of its own gives, and by name alone without a namespace', () => {
    const memory = memoryOf([event({})])
    const exported = { pod: 'kube-state-metrics-0', exported_pod: 'cart-1', namespace: 'monitoring', exported_namespace: 'shop' }
    expect(memory.contextOf([series({ labels: labelsOf(exported) })])).toHaveLength(1)
    expect(memory.contextOf([series({ labels: labelsOf({ pod: 'cart-1' }) })])).toHaveLength(1)
    expect(memory.contextOf([series({ labels: labelsOf({ instance: 'cart-1' }) })])).toEqual([])
  })

  test('tells an event once that two processes have told, and the newest five of many', () => {
    const memory = memoryOf([...'aabcdefg'].map((id, i) => event({ id, atMs: startedAtMs - 10 * minuteMs + i })))
    expect(memory.contextOf([series()]).map(({ atMs }) => atMs - startedAtMs + 10 * minuteMs)).toEqual([3, 4, 5, 6, 7])
  })

  test('says an eviction in the words of the cluster', () => {
    const evicted = event({ kind: 'evicted', container: '', message: 'The node was low on resource: memory.' })
    expect(memoryOf([evicted]).contextOf([series()])[0]!.text).toBe(
      'Pod shop/cart-1: evicted from node-7: The node was low on resource: memory.',
    )
  })

  test('forgets the oldest of very many', () => {
    const many = Array.from({ length: 20_001 }, (_, i) => event({ id: String(i), pod: `cart-${i}` }))
    const memory = memoryOf(many)
    expect(memory.contextOf([series({ labels: labelsOf({ pod: 'cart-0' }) })])).toEqual([])
    expect(memory.contextOf([series({ labels: labelsOf({ pod: 'cart-1' }) })])).toHaveLength(1)
  })
})

function memoryOf(events: readonly PodEvent[]) {
  const memory = createPodMemory()
  for (const one of events) memory.add(one)
  return memory
}

function series(facts: Partial<PodSeries> = {}): PodSeries {
  return { labels: labelsOf({ namespace: 'shop', pod: 'cart-1' }), startedAtMs, endedAtMs: null, ...facts }
}

function labelsOf(labels: Readonly<Record<string, string>>): PodSeries['labels'] {
  return Object.entries(labels).map(([name, value]) => ({ name, value }))
}

function event(facts: Partial<PodEvent>): PodEvent {
  return {
    ...{ id: 'a', kind: 'container_ended', namespace: 'shop', pod: 'cart-1', container: 'app', node: 'node-7' },
    ...{ reason: 'OOMKilled', exitCode: 137, restarts: 4, message: '', atMs: startedAtMs - minuteMs },
    ...facts,
  }
}
